import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAttention, findAttention } from './attention.ts';
import { permissionsSection } from './permissions.ts';
import {
  created,
  type Fixture,
  inventoryFrom,
  referring,
  replaced,
  unchanged,
  updated,
} from './plan-fixtures.ts';
import { broadness, parsePolicy } from './policies.ts';
import type { Json } from './terraform-plan.ts';

const section = (...fixtures: readonly Fixture[]): string => permissionsSection(inventoryFrom(...fixtures));

const policy = (...statements: readonly object[]): string => JSON.stringify({ Statement: statements });
const read = { Sid: 'Read', Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/*' };
const login = { Sid: 'LogIn', Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' };
const trust = policy({
  Effect: 'Allow',
  Principal: { Service: 'ecs-tasks.amazonaws.com' },
  Action: 'sts:AssumeRole',
});

const role = (name: string): Fixture =>
  created(`aws_iam_role.${name}`, { name, assume_role_policy: trust }, { unknown: { id: true } });

const ownPolicy = (roleName: string, text: string): Fixture =>
  referring(
    `aws_iam_role_policy.${roleName}-permissions`,
    { role: `\${aws_iam_role.${roleName}.name}` },
    { name: 'permissions', policy: text },
  );

test("a role's trust and its permissions are listed together", () => {
  const text = section(role('task'), ownPolicy('task', policy(read)));
  assert.equal(text.match(/^#### /gm)?.length, 1);
  assert.match(text, /#### IAM role `task`/);
  assert.match(text, /\*\*Allow\*\* `sts:AssumeRole`\n {2}- assumed by: `Service ecs-tasks.amazonaws.com`/);
  assert.match(text, /\*\*Allow\*\* `s3:GetObject` \(Read\)\n {2}- on: `arn:aws:s3:::photos\/\*`/);
  assert.match(text, /No statement has a wildcard/);
});

test('equal broad statements are listed once, with all holders and the reason in the code', () => {
  const holders = ['web', 'was'].flatMap((name) => [role(name), ownPolicy(name, policy(login))]);
  const text = section(...holders);
  assert.match(text, /\*\*2 statements\*\* are broader/);
  assert.equal(text.match(/^- \*\*every resource:\*\* `ecr:GetAuthorizationToken`/gm)?.length, 1);
  assert.match(text, /for `web`, `was`/);
  assert.match(text, /reason given in the code: /);
});

test('a broad statement without a reason in the code has none in the review', () => {
  const broader = policy({ ...login, Action: ['ecr:GetAuthorizationToken', 'ecr:*'] });
  const text = section(role('web'), ownPolicy('web', broader));
  assert.match(text, /every action of ecr, every resource/);
  assert.doesNotMatch(text, /reason given in the code/);
});

test('in a changed policy, new and removed statements are marked', () => {
  const old = { Sid: 'Write', Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:1' };
  const text = section(
    unchanged('aws_iam_role.task', { id: 'task', name: 'task', assume_role_policy: trust }),
    updated(
      'aws_iam_role_policy.p',
      { policy: policy(read, old), role: 'task' },
      { policy: policy(read, login), role: 'task' },
      { declared: { role: '${aws_iam_role.task.name}' } },
    ),
  );
  assert.match(text, /1 policy with 3 statements \(1 new, 1 removed and 1 unchanged\)/);
  assert.match(text, /^- new: ⚠ \*\*every resource:\*\* \*\*Allow\*\* `ecr:GetAuthorizationToken`/m);
  assert.match(text, /^- removed: \*\*Allow\*\* `s3:PutObject`/m);
  assert.match(text, /^- \*\*Allow\*\* `s3:GetObject`/m);
});

test('a policy with the same meaning in another form is not changed', () => {
  const before = { name: 'a', policy: policy(read) };
  const after = { name: 'a', policy: policy({ ...read, Action: ['s3:GetObject'] }) };
  assert.equal(section(updated('aws_iam_policy.p', before, after)), '');
});

test('a policy that is only known at apply is read from the code, with its references', () => {
  const open = { ...read, Principal: '*', Resource: '${aws_s3_bucket.photos.arn}/*' };
  const details = { unknown: { policy: true }, declared: { policy: policy(open) } };
  const text = section(created('aws_s3_bucket_policy.photos', {}, details));
  assert.match(text, /⚠ \*\*anyone:\*\* \*\*Allow\*\* `s3:GetObject`/);
  assert.match(text, /on: `\$\{aws_s3_bucket\.photos\.arn\}\/\*`/);
  assert.match(text, /filled\s+in at apply/);
});

test('a policy that cannot be read yet is marked as such', () => {
  const unknown = { policy: true };
  const declared = { policy: '${data.aws_iam_policy_document.p.json}' };
  const text = section(
    created('aws_iam_policy.p', { name: 'p' }, { unknown, declared }),
    created('aws_sns_topic_policy.t', {}, { unknown }),
  );
  assert.match(text, /2 policies cannot be read before the apply/);
  assert.match(text, /cannot be read before the apply:\*\* `\$\{data\.aws_iam_policy_document\.p\.json\}`/);
});

test('a policy inside a block is found too', () => {
  const inline_policy = [{ name: 'x', policy: policy(login) }];
  const text = section(created('aws_iam_role.r', { name: 'r', assume_role_policy: trust, inline_policy }));
  assert.match(text, /`ecr:GetAuthorizationToken`/);
});

test('a managed policy belongs to the roles that it is attached to', () => {
  const text = section(
    created('aws_iam_policy.invoke', { name: 'Invoke', policy: policy(read) }, { unknown: { arn: true } }),
    role('task'),
    referring('aws_iam_role_policy_attachment.a', {
      role: '${aws_iam_role.task.name}',
      policy_arn: '${aws_iam_policy.invoke.arn}',
    }),
  );
  assert.equal(text.match(/^#### /gm)?.length, 1);
  assert.match(text, /In `aws_iam_role\.task` \(new\) and `aws_iam_policy\.invoke` \(new\)/);
});

test('policies of AWS are named and not examined', () => {
  const arn = 'arn:aws:iam::aws:policy/AmazonSageMakerFullAccess';
  const text = section(created('aws_iam_role_policy_attachment.a', { role: 'studio', policy_arn: arn }));
  assert.match(
    text,
    /⚠ `studio` gets `[\w:/]+AmazonSageMakerFullAccess`, a policy of AWS that is not examined/,
  );
});

test('many statements are folded by component', () => {
  const many = Array.from({ length: 13 }, (_, index) => ({ ...read, Sid: `Read${index}` }));
  assert.match(
    section(role('task'), ownPolicy('task', policy(...many))),
    /<summary>web: 14 statements<\/summary>/,
  );
});

const policyOf = (statement: Json): string => JSON.stringify({ Version: '2012-10-17', Statement: statement });

test('a statement is read with all its parts, whether they are single or lists', () => {
  const [statement] =
    parsePolicy(
      policyOf({
        Sid: 'Read',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::1:root', Service: ['ecs.amazonaws.com', 'ec2.amazonaws.com'] },
        Action: 's3:GetObject',
        Resource: ['arn:1', 'arn:2'],
        Condition: { Bool: { 'aws:SecureTransport': true }, StringLike: { 'aws:x': ['a', 'b'] } },
      }),
    ) ?? [];
  assert.deepEqual(statement, {
    sid: 'Read',
    effect: 'Allow',
    principals: ['AWS arn:aws:iam::1:root', 'Service ecs.amazonaws.com', 'Service ec2.amazonaws.com'],
    exceptPrincipals: [],
    actions: ['s3:GetObject'],
    exceptActions: [],
    resources: ['arn:1', 'arn:2'],
    exceptResources: [],
    conditions: [
      { operator: 'Bool', key: 'aws:SecureTransport', values: ['true'] },
      { operator: 'StringLike', key: 'aws:x', values: ['a', 'b'] },
    ],
  });
});

test('what is not a policy is not taken for one', () => {
  for (const text of [
    '',
    'text',
    '[]',
    '{"Statement":"x"}',
    '{"rules":[]}',
    '${data.aws_iam_policy_document.x.json}',
  ])
    assert.equal(parsePolicy(text), undefined, text);
});

const named = 'arn:aws:s3:::photos/*';
const root = { AWS: 'arn:aws:iam::1:root' };

for (const [title, statement, expected, ofResource = false] of [
  ['one that names each thing is not', { Action: ['s3:GetObject'], Resource: named }, []],
  ['every resource', { Action: 'ecr:GetAuthorizationToken', Resource: '*' }, ['every resource']],
  [
    'actions by wildcard',
    { Action: ['ecr:*', 's3:Get*'], Resource: named },
    ['every action of ecr', 'wildcard in actions'],
  ],
  ['everything', { Action: '*', Resource: '*' }, ['every action', 'every resource']],
  ['all but some', { NotAction: 'iam:*', NotResource: named }, ['every action', 'every resource']],
  ['anyone', { Action: 's3:GetObject', Principal: '*', Resource: named }, ['anyone'], true],
  ['any account', { Action: 's3:GetObject', Principal: { AWS: '*' }, Resource: named }, ['anyone'], true],
  ['all but some principals', { Action: 's3:GetObject', NotPrincipal: root }, ['anyone'], true],
  [
    'in the policy of a key, every resource is that key only',
    { Action: 'kms:Decrypt', Principal: root, Resource: '*' },
    [],
    true,
  ],
  ['a denial is never', { Effect: 'Deny', Action: 's3:*', Principal: '*', Resource: '*' }, []],
] satisfies readonly (readonly [string, Json, readonly string[], boolean?])[])
  test(`a broad statement: ${title}`, () => {
    const [parsed] = parsePolicy(policyOf([{ Effect: 'Allow', ...statement }])) ?? [];
    assert.ok(parsed);
    assert.deepEqual(broadness(parsed, ofResource), expected);
  });

const changed = (after: object): Fixture =>
  updated(
    'aws_iam_role_policy.was',
    { role: 'ecsWasTaskRole', policy: policy(read) },
    { role: 'ecsWasTaskRole', policy: policy(read, after) },
  );
const everything = { Effect: 'Allow', Action: ['iam:PassRole', 's3:*'], Resource: '*' };

for (const [title, fixture, expected] of [
  [
    'iam:PassRole and s3:* on everything',
    changed(everything),
    'ecsWasTaskRole gets iam:PassRole, s3:* (every action of s3, every resource)',
  ],
  ['what names each thing', changed({ ...read, Resource: 'arn:aws:s3:::others/*' }), undefined],
  ['what has its reason in the code', changed(login), undefined],
  ['a denial', changed({ ...everything, Effect: 'Deny' }), undefined],
  ['what was there before', unchanged('aws_iam_role_policy.was', { policy: policy(everything) }), undefined],
  [
    'a policy of AWS',
    created('aws_iam_role_policy_attachment.a', {
      role: 'ecsWasTaskRole',
      policy_arn: 'arn:aws:iam::aws:policy/AdministratorAccess',
    }),
    'ecsWasTaskRole gets arn:aws:iam::aws:policy/AdministratorAccess',
  ],
] satisfies [string, Fixture, string | undefined][])
  test(`access is widened by ${title}: ${expected === undefined ? 'no' : 'yes'}`, () => {
    const texts = describeAttention(findAttention(inventoryFrom(fixture)));
    assert.deepEqual(
      texts,
      expected === undefined ? [] : [`⚠ Access is widened by 1 statement:\n  ${expected}`],
    );
  });

test('new openings to the internet and outages are counted and named', () => {
  const rule = { ip_protocol: 'tcp', from_port: 22, to_port: 22 };
  const inventory = inventoryFrom(
    created('aws_vpc_security_group_ingress_rule.ssh', { ...rule, cidr_ipv4: '0.0.0.0/0' }),
    created('aws_vpc_security_group_ingress_rule.inside', { ...rule, cidr_ipv4: '10.0.0.0/16' }),
    unchanged('aws_vpc_security_group_ingress_rule.http', { ...rule, cidr_ipv4: '0.0.0.0/0' }),
    replaced('aws_ecs_service.web', {}, {}),
    replaced('aws_ecs_task_definition.web', {}, {}),
  );
  assert.deepEqual(describeAttention(findAttention(inventory)), [
    '⚠ 1 new opening to the internet: `aws_vpc_security_group_ingress_rule.ssh`',
    '⚠ 1 thing out of service until recreated: `aws_ecs_service.web`',
  ]);
});
