import assert from 'node:assert/strict';
import { test } from 'node:test';
import { likelyFailuresSection } from './changes.ts';
import {
  created,
  destroyed,
  type Fixture,
  inventoryFrom,
  planJson,
  replaced,
  stackJson,
  unchanged,
  updated,
} from './plan-fixtures.ts';
import { reviewPlan } from './review.ts';
import { summarizeReview, unfinishedResources } from './review-plan.ts';

const review = (...fixtures: readonly Fixture[]) =>
  reviewPlan({ plan: planJson(...fixtures), synthesized: stackJson(...fixtures) });

test('a plan that changes nothing says so and nothing else', () => {
  const { markdown, stateful, exitCode } = review(unchanged('aws_vpc.main', { cidr_block: '10.0.0.0/16' }));
  assert.equal(markdown, '# Plan of shop\n\nNo changes.\n');
  assert.deepEqual([stateful, exitCode], [[], 0]);
});

test('the summary counts what happens, in words', () => {
  const { markdown } = review(
    created('aws_lb.a', {}),
    updated('aws_vpc.v', {}, {}),
    replaced('aws_subnet.s', {}, {}),
    destroyed('aws_route.r', {}),
    unchanged('aws_eip.e', {}),
  );
  assert.match(markdown, /This plan creates 1 resource, changes 1, replaces 1, destroys 1\./);
});

/** Without the line breaks of long lines. */
const flat = (text: string): string => text.replace(/\s+/g, ' ');

test('more memory for a task is a harmless replacement, shown inside the container definition', () => {
  const definition = (memory: number) => ({
    family: 'app-web-td',
    cpu: '512',
    memory: String(memory),
    container_definitions: JSON.stringify([{ name: 'app-web', image: 'web:1', memory }]),
  });
  const { markdown, exitCode } = review(
    replaced(
      'aws_ecs_task_definition.web-td',
      { ...definition(1024), arn: 'arn:1', revision: 1 },
      definition(2048),
      {
        unknown: { arn: true, revision: true },
        replacePaths: [['memory'], ['container_definitions']],
      },
    ),
    unchanged('aws_ecs_service.web', { name: 'app-web-service', launch_type: 'FARGATE', desired_count: 2 }),
  );
  assert.equal(exitCode, 0);
  assert.doesNotMatch(markdown, /STOP/);
  assert.match(
    markdown,
    /`aws_ecs_task_definition\.web-td`, ECS task definition `app-web-td`: replaced, \*\*harmless\*\*/,
  );
  assert.match(markdown, /- `memory`: `1024` → `2048` — forces the replacement/);
  assert.match(markdown, /- `container_definitions\[app-web\]\.memory`: `1024` → `2048`/);
  assert.match(markdown, /running tasks keep theirs until the next rollout/);
  assert.doesNotMatch(markdown, /revision`|web:1/);
});

test('another address block for the VPC is stopped, with all that falls with it and why', () => {
  const { markdown, stateful, exitCode } = review(
    replaced(
      'aws_vpc.main',
      { cidr_block: '10.0.0.0/16' },
      { cidr_block: '10.1.0.0/16' },
      { replacePaths: [['cidr_block']], component: 'network' },
    ),
    replaced(
      'aws_lb.web',
      { name: 'app-web-alb', dns_name: 'app-web-alb-1.elb.amazonaws.com', subnets: ['subnet-1'] },
      { name: 'app-web-alb' },
      {
        unknown: { subnets: true, dns_name: true },
        replacePaths: [['subnets']],
        declared: { subnets: ['${aws_subnet.a.id}'] },
      },
    ),
    replaced('aws_thing.x', { size: 1 }, { size: 2 }, { replacePaths: [['size']] }),
  );
  assert.equal(exitCode, 2);
  assert.deepEqual(
    stateful.map(({ address, action }) => [address, action]),
    [['aws_lb.web', 'replace']],
  );
  const [beforeDetails = ''] = markdown.split('## Replaced or destroyed');
  assert.match(beforeDetails, /## ⚠ STOP: 1 thing that cannot be restored/);
  assert.match(beforeDetails, /load balancer `app-web-alb`\*\* \(`aws_lb\.web`\) is\s+replaced/);
  assert.match(flat(beforeDetails), /DNS name \(app-web-alb-1\.elb\.amazonaws\.com\)/);
  assert.match(
    flat(beforeDetails),
    /Because of `subnets` \(`subnet-1` → `\(known after apply: aws_subnet\.a\.id\)`\)/,
  );
  assert.match(
    markdown,
    /### network\n\n- `aws_vpc\.main`, VPC: replaced, \*\*outage\*\*\n {2}- `cidr_block`: `10\.0\.0\.0\/16` → `10\.1\.0\.0\/16`/,
  );
  assert.match(markdown, /`aws_thing\.x`, thing: replaced, \*\*unknown to this review\*\*/);
  assert.match(markdown, /\| `aws_vpc` +\| everything in it must be replaced/);
});

test('destroying a bucket that is no longer in the configuration is stopped, with what is lost', () => {
  const { markdown, stateful, exitCode } = review(
    destroyed(
      'aws_s3_bucket.web-photos',
      { bucket: 'app-photos', force_destroy: true },
      { reason: 'delete_because_no_resource_config' },
    ),
    unchanged('aws_vpc.v', {}),
  );
  assert.equal(exitCode, 2);
  assert.equal(stateful[0]?.name, 'app-photos');
  assert.match(
    markdown,
    /\*\*S3 bucket `app-photos`\*\* \(`aws_s3_bucket\.web-photos`\) is destroyed: all\s+objects/,
  );
  assert.match(
    flat(markdown),
    /destroyed, \*\*DATA IS LOST\*\*, because it is no longer in the configuration/,
  );
});

test('the copy that a broken replacement left behind is a loss of its own', () => {
  const living = unchanged('aws_s3_bucket.photos', { bucket: 'app-photos' });
  const old = destroyed('aws_s3_bucket.photos', { bucket: 'app-photos-old' });
  const copy = { ...old, entry: { ...old.entry, deposed: 'abcd1234' } };
  const { markdown, stateful } = review(living, copy);
  assert.deepEqual(
    stateful.map(({ name }) => name),
    ['app-photos-old'],
  );
  assert.match(flat(markdown), /because an earlier replacement left it behind/);
});

test('a changed policy is shown line by line and statement by statement', () => {
  const policy = (...actions: readonly string[]) =>
    JSON.stringify({ Statement: [{ Sid: 'Ask', Effect: 'Allow', Action: actions, Resource: 'arn:1' }] });
  const { markdown, exitCode } = review(
    updated(
      'aws_iam_policy.p',
      { name: 'Invoke', policy: policy('a:Get') },
      { name: 'Invoke', policy: policy('a:Get', 'a:Put') },
    ),
  );
  assert.equal(exitCode, 0);
  assert.match(
    markdown,
    /## Changed in place: 1\n\n### web\n\n- `aws_iam_policy\.p`, IAM policy `Invoke`\n {2}- `policy\.Statement\[Ask\]\.Action`: `\(none\)` → `a:Put`/,
  );
  assert.match(markdown, /new: \*\*Allow\*\* `a:Get`, `a:Put` \(Ask\)/);
});

test('a change of labels only does not hide the others', () => {
  const labelled = (index: number) =>
    updated(`aws_subnet.s${index}`, { tags_all: { stage: 'dev' } }, { tags_all: { stage: 'prod' } });
  const { markdown } = review(
    ...[1, 2, 3, 4].map(labelled),
    updated('aws_vpc.v', { dns: false }, { dns: true }),
  );
  assert.match(markdown, /### Tags only\n\n<details><summary>4 resources<\/summary>/);
  assert.ok(markdown.indexOf('`dns`') < markdown.indexOf('### Tags only'));
});

test('what is secret is in no section', () => {
  const secret = (value: string) => ({ name: 'db', password: value, nested: [{ token: value }] });
  const { markdown } = review(
    updated('aws_db_instance.db', secret('hunter2'), secret('hunter3'), {
      sensitive: { password: true, nested: [{ token: true }] },
    }),
    created('aws_ssm_parameter.p', { name: 'p', value: 'hunter4' }, { sensitive: { value: true } }),
  );
  assert.doesNotMatch(markdown, /hunter/);
  assert.match(markdown, /`password`: `\(sensitive value\)` → `\(sensitive value\)`/);
});

test('a plan that Terraform could not finish is marked as incomplete', () => {
  const { markdown } = reviewPlan({
    plan: { ...planJson(created('aws_vpc.v', {})), errored: true },
    synthesized: stackJson(),
  });
  assert.match(markdown, /could not finish this plan/);
});

test('moved and forgotten resources, and changes outside Terraform, are reported', () => {
  const [moved, forgotten, drifted] = [
    unchanged('aws_vpc.new', {}),
    unchanged('aws_eip.e', {}),
    updated(
      'aws_security_group.sg',
      { description: 'a', etag: 'c' },
      { description: 'b', etag: 'd' },
      { declared: { description: 'a' } },
    ),
  ];
  const change = { actions: ['forget'], before: {}, after: null };
  const { markdown } = reviewPlan({
    plan: {
      format_version: '1.2',
      resource_changes: [
        { ...moved.entry, previous_address: 'aws_vpc.old' },
        { ...forgotten.entry, change },
      ],
      resource_drift: [drifted.entry],
    },
    synthesized: stackJson(moved, drifted),
  });
  assert.match(markdown, /## Moved in state only: 1\n\n- `aws_vpc\.old` → `aws_vpc\.new`/);
  assert.match(markdown, /## Removed from state, kept in AWS: 1/);
  assert.match(markdown, /## Changed outside Terraform: 1/);
  assert.match(markdown, /`description`: `a` → `b`/);
  assert.doesNotMatch(markdown, /etag/);
});

test('a summary is the title, the totals and the warnings of a review', () => {
  const text = '# Plan\n\n3 changes.\n\n## ⚠ STOP: 1 thing\n\n- a bucket\n\n## Changed\n\n- a topic\n';
  assert.equal(summarizeReview(text), '# Plan\n\n3 changes.\n\n## ⚠ STOP: 1 thing\n\n- a bucket');
  assert.equal(summarizeReview('# Plan\n\nNo changes.\n'), '# Plan\n\nNo changes.');
});

test('what an earlier run has half created is distinguished from what is replaced for other reasons', () => {
  const plan = planJson(
    replaced('aws_s3_bucket.half-made', {}, {}, { reason: 'replace_because_tainted' }),
    replaced('aws_s3_bucket.renamed', {}, {}, { reason: 'replace_because_cannot_update' }),
    replaced('aws_s3_bucket.new', {}, {}),
  );
  assert.deepEqual(unfinishedResources(plan), ['aws_s3_bucket.half-made']);
  assert.deepEqual(unfinishedResources({ format_version: '1.2' }), []);
});

const failures = (...fixtures: readonly Fixture[]): string =>
  likelyFailuresSection(inventoryFrom(...fixtures));

const targetGroup = replaced('aws_lb_target_group.tg', { port: 1 }, { port: 2 });
const forwarding = { declared: { default_action: [{ target_group_arn: '${aws_lb_target_group.tg.arn}' }] } };

test('a target group that is deleted while its listener stays makes the apply fail', () => {
  assert.match(
    failures(targetGroup, updated('aws_lb_listener.http', {}, {}, forwarding)),
    /`aws_lb_target_group\.tg` is deleted first, which AWS refuses while `aws_lb_listener\.http`/,
  );
});

test('it does not when the listener goes too, is new, or when the new group is created first', () => {
  assert.equal(failures(targetGroup, replaced('aws_lb_listener.http', {}, {}, forwarding)), '');
  assert.equal(failures(targetGroup, created('aws_lb_listener.http', {}, forwarding)), '');
  const entry = { ...targetGroup.entry, change: { actions: ['create', 'delete'], before: {}, after: {} } };
  assert.equal(failures({ ...targetGroup, entry }, updated('aws_lb_listener.http', {}, {}, forwarding)), '');
});

test('a load balancer cannot follow its subnets into another VPC', () => {
  const balancer = updated('aws_lb.web', {}, {}, { declared: { subnets: ['${aws_subnet.a.id}'] } });
  const subnet = replaced('aws_subnet.a', {}, {});
  assert.match(
    failures(replaced('aws_vpc.main', {}, {}), subnet, balancer),
    /`aws_lb\.web` would move to another VPC/,
  );
  assert.equal(failures(unchanged('aws_vpc.main', {}), subnet, balancer), '');
});
