import assert from 'node:assert/strict';
import { test } from 'node:test';
import { synthesizedStack } from '../../stacks/synthesized-stack.ts';
import {
  created,
  destroyed,
  type Fixture,
  planJson,
  replaced,
  stackOf,
  testCases,
  unchanged,
  updated,
} from './plan-fixtures.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { reviewPlan } from './review.ts';
import { approveWidening, requirePartOf, summarizeReview } from './review-plan.ts';

const review = (...fixtures: readonly Fixture[]) => reviewPlan(planJson(...fixtures), stackOf(...fixtures));

const definition = (memory: number) => ({
  family: 'app-web-td',
  memory: String(memory),
  container_definitions: JSON.stringify([{ name: 'app-web', image: 'web:1', memory }]),
});
const secret = (value: string) => ({ name: 'db', password: value, nested: [{ token: value }] });
const isSecret = { sensitive: { password: true, nested: [{ token: true }] } };
const old = destroyed('aws_s3_bucket.photos', { bucket: 'app-photos-old' });
const leftover = { ...old, entry: { ...old.entry, deposed: 'abcd1234' } };
const markdownOf = (...fixtures: readonly Fixture[]): string => review(...fixtures).markdown;

testCases(markdownOf, [
  [
    'a plan that changes nothing says so and nothing else',
    [unchanged('aws_vpc.main', { cidr_block: '10.0.0.0/16' })],
    [/^# Plan of shop\n\nNo changes\.\n$/],
  ],
  [
    'the summary counts what happens, in words',
    [created('x.a'), updated('x.b'), replaced('x.c'), destroyed('x.d'), unchanged('x.e')],
    [/This plan creates 1 resource, changes 1, replaces 1, destroys 1\./],
  ],
  [
    'more memory for a task is a harmless replacement, shown inside the container definition',
    [
      replaced('aws_ecs_task_definition.web-td', { ...definition(1024), revision: 1 }, definition(2048), {
        unknown: { revision: true },
        replacePaths: [['memory'], ['container_definitions']],
      }),
    ],
    [
      /`aws_ecs_task_definition\.web-td`, ECS task definition `app-web-td`: replaced, \*\*harmless\*\*/,
      /- `memory`: `1024` → `2048` — forces the replacement/,
      /- `container_definitions\[app-web\]\.memory`: `1024` → `2048`/,
      /running tasks keep theirs until the next rollout/,
    ],
    [/STOP|revision`|web:1/],
  ],
  [
    'what is replaced is under its component, with what it means',
    [
      replaced('aws_vpc.main', {}, {}, { component: 'network' }),
      replaced('aws_thing.x', { size: 1 }, { size: 2 }, { replacePaths: [['size']] }),
    ],
    [
      /### network\n\n- `aws_vpc\.main`, VPC: replaced, \*\*outage\*\*/,
      /`aws_thing\.x`, thing: replaced, \*\*unknown to this review\*\*/,
      /\| `aws_vpc` +\| everything in it must be replaced/,
    ],
    [/STOP/],
  ],
  [
    'what is stopped says why it is replaced',
    [
      replaced(
        'aws_lb.web',
        { name: 'app-web-alb', dns_name: 'web.example.com', subnets: ['subnet-1'] },
        { name: 'app-web-alb' },
        {
          unknown: { subnets: true },
          replacePaths: [['subnets']],
          declared: { subnets: ['${aws_subnet.a.id}'] },
        },
      ),
    ],
    [
      /## ⚠ STOP: 1 thing that cannot be restored/,
      /\*\*load balancer `app-web-alb`\*\* \(`aws_lb\.web`\) is replaced: its DNS name is lost/,
      /Because of `subnets` \(`subnet-1` → `\(known after apply: aws_subnet\.a\.id\)`\)/,
    ],
  ],
  [
    'of what is lost, its own settings are named',
    [
      destroyed('aws_s3_bucket.photos', { force_destroy: false }),
      destroyed('aws_kms_key.k', { deletion_window_in_days: 30 }),
      destroyed('aws_sagemaker_domain.d', { retention_policy: [{ home_efs_file_system: 'Retain' }] }),
    ],
    [/deleted; AWS refuses, and the apply fails/, /cancelled within 30 days/, /in an EFS file system/],
  ],
  [
    'of two long texts the part is shown from where they begin to differ',
    [
      updated(
        'aws_codebuild_project.b',
        { text: `${'a'.repeat(200)}OLD${'b'.repeat(200)}` },
        { text: `${'a'.repeat(200)}NEWER${'b'.repeat(200)}` },
      ),
    ],
    [/`text`: `…a{24}OLDb+…b+` → `…a{24}NEWERb+…b+`/],
  ],
  [
    'a bucket that is destroyed is stopped',
    [destroyed('aws_s3_bucket.photos', { bucket: 'app-photos' })],
    [
      /\*\*S3 bucket `app-photos`\*\* \(`aws_s3_bucket\.photos`\) is destroyed: all objects and their versions are deleted\./,
      /destroyed, \*\*DATA IS LOST\*\*/,
    ],
  ],
  [
    'the copy that a broken replacement left behind is a loss of its own',
    [unchanged('aws_s3_bucket.photos', { bucket: 'app-photos' }), leftover],
    [/STOP: 1 thing.*S3 bucket `app-photos-old`.*left behind by an earlier replacement/s],
  ],
  [
    'what is secret is in no section',
    [
      updated('aws_db_instance.db', secret('hunter2'), secret('hunter3'), isSecret),
      created('aws_ssm_parameter.p', { name: 'p', value: 'hunter4' }, { sensitive: { value: true } }),
    ],
    [/`password`: `\(sensitive value\)` → `\(sensitive value\)`/],
    [/hunter/],
  ],
]);

test('only what is lost for good has an exit code of its own', () => {
  const { stateful, exitCode, markdown } = review(
    replaced('aws_lb.web'),
    destroyed('aws_kms_key.k'),
    replaced('aws_vpc.v'),
    updated('aws_s3_bucket.photos'),
    destroyed('aws_thing.x'),
  );
  const losses = stateful.map(({ address, action }) => `${action} ${address}`);
  assert.deepEqual([exitCode, ...losses], [2, 'replace aws_lb.web', 'destroy aws_kms_key.k']);
  assert.equal(review(replaced('aws_vpc.v')).exitCode, 0);
  assert.match(summarizeReview(markdown), /^# Plan of shop.*creates 0 .*⚠ STOP.*⚠ Before(?!.*## )/s);
});

test('replacing what an earlier run left half created is no loss; other replacements are', () => {
  const half = replaced('aws_s3_bucket.half-made', {}, {}, { reason: 'replace_because_tainted' });
  const renamed = replaced('aws_s3_bucket.renamed', {}, {}, { reason: 'replace_because_cannot_update' });
  const { unfinished, exitCode, markdown } = review(half);
  assert.deepEqual([unfinished, exitCode], [['aws_s3_bucket.half-made'], 0]);
  assert.match(
    markdown,
    /^(?!.*STOP).*half-made`, S3 bucket: replaced, \*\*never finished by an earlier run/s,
  );
  assert.deepEqual(
    review(half, renamed).stateful.map(({ address }) => address),
    ['aws_s3_bucket.renamed'],
  );
});

const group = replaced('aws_lb_target_group.tg', { port: 1 }, { port: 2 });
const newFirst = {
  ...group,
  entry: { ...group.entry, change: { actions: ['create', 'delete'], before: {}, after: {} } },
};
const forwarding = { declared: { default_action: [{ target_group_arn: '${aws_lb_target_group.tg.arn}' }] } };
const listener = updated('aws_lb_listener.http', {}, {}, forwarding);
const movingBalancer = updated('aws_lb.web', {}, {}, { declared: { subnets: ['${aws_subnet.a.id}'] } });

for (const [title, fixtures, expected] of [
  [
    'a target group that is deleted while its listener stays',
    [group, listener],
    /`aws_lb_target_group\.tg` is deleted first, which AWS refuses while `aws_lb_listener\.http`/,
  ],
  ['the new group is created first', [newFirst, listener], undefined],
  [
    'a load balancer that follows its subnets into another VPC',
    [replaced('aws_vpc.main'), replaced('aws_subnet.a'), movingBalancer],
    /`aws_lb\.web` would move to another VPC/,
  ],
] satisfies [string, Fixture[], RegExp | undefined][])
  test(`an apply ${expected ? 'fails' : 'succeeds'}: ${title}`, () => {
    const { markdown } = review(...fixtures);
    assert.match(markdown, expected ?? /^(?!.*Likely to fail)/s);
  });

test('the review knows every type that the stack can have, and its references', () => {
  for (const name of ['default', 'full', 'minimal'] as const) {
    const { text, addresses } = synthesizedStack(name);
    const types = new Set(addresses.map((address) => address.split('.')[0] ?? ''));
    assert.ok(types.size > 40);
    assert.deepEqual(
      [...types].filter((type) => !RESOURCE_TYPES[type]),
      [],
    );
    // A function call is only where a set has one element.
    const others = [...text.matchAll(/\$\{(?!aws_\w+\.[\w-]+\.\w+\})[^}]*\}?/g)].flat();
    for (const each of others)
      assert.match(
        each,
        /^\$\{tolist\(aws_acm_certificate\.[\w-]+\.domain_validation_options\)\[0\]\.\w+\}$/,
      );
  }
});

test('what builds the first images is a part of the reviewed plan, or nothing is applied', () => {
  const registry = (name: string) => created('aws_ecr_repository.web', { name });
  const whole = planJson(created('aws_vpc.v'), registry('app-web'));
  requirePartOf(planJson(registry('app-web'), unchanged('aws_eip.e')), whole);
  assert.throws(() => requirePartOf(planJson(registry('app-was')), whole), /reviewed plan: .*app-was/);
});

test('permissions without bounds are approved by name', async () => {
  const approval = { yes: true, allowLoss: true, widen: ['app-web'] };
  await approveWidening([{ holder: 'app-web' }], approval);
  const other = approveWidening([{ holder: 'app-web' }, { holder: 'app-was' }], approval);
  await assert.rejects(other, { exitCode: 2, message: /^Stopped: app-was would get .* --widen app-was\.$/ });
});
