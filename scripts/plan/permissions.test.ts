import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attentionSection, findWeakened } from './attention.ts';
import { permissionsSection } from './permissions.ts';
import {
  created,
  destroyed,
  type Fixture,
  inventoryFrom,
  referring,
  replaced,
  testCases,
  unchanged,
  updated,
} from './plan-fixtures.ts';
import type { Json } from './terraform-plan.ts';

const section = (...fixtures: readonly Fixture[]): string => permissionsSection(inventoryFrom(...fixtures));

const policy = (...statements: readonly object[]): string => JSON.stringify({ Statement: statements });
const read = { Sid: 'Read', Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/*' };
const login = { Sid: 'LogIn', Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' };
const removed = { Sid: 'Write', Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:1' };
const trust = policy({
  Effect: 'Allow',
  Principal: { Service: 'ecs-tasks.amazonaws.com' },
  Action: 'sts:AssumeRole',
});

const role = (name: string, more: Record<string, Json> = {}): Fixture =>
  created(`aws_iam_role.${name}`, { name, assume_role_policy: trust, ...more });

const ownPolicy = (roleName: string, text: string): Fixture =>
  referring(
    `aws_iam_role_policy.${roleName}-permissions`,
    { role: `\${aws_iam_role.${roleName}.name}` },
    { name: 'permissions', policy: text },
  );

const open = { ...read, Principal: '*', Resource: '${aws_s3_bucket.photos.arn}/*' };
const unknown = { policy: true };
const studio = {
  role: 'studio',
  policy_arn: 'arn:aws:iam::aws:policy/AmazonSageMakerFullAccess',
};
const conditional = {
  ...read,
  Principal: { AWS: 'arn:aws:iam::1:root', Service: ['ecs.amazonaws.com', 'ec2.amazonaws.com'] },
  Resource: ['arn:1', 'arn:2'],
  Condition: { Bool: { 'aws:SecureTransport': true }, StringLike: { 'aws:x': ['a', 'b'] } },
};

testCases(section, [
  [
    "a role's trust and its permissions are listed together",
    [role('task'), ownPolicy('task', policy(read))],
    [
      /^(?!.*#### .*#### ).*#### IAM role `task`/s,
      /\*\*Allow\*\* `sts:AssumeRole`\n {2}- assumed by: `Service ecs-tasks.amazonaws.com`/,
      /\*\*Allow\*\* `s3:GetObject` \(Read\)\n {2}- on: `arn:aws:s3:::photos\/\*`/,
      /No statement has a wildcard/,
      /<summary>web: 2 statements<\/summary>/,
    ],
  ],
  [
    'a statement is described with all its parts, whether they are single or lists',
    [created('aws_s3_bucket_policy.p', { policy: policy(conditional) })],
    [
      /who: `AWS arn:aws:iam::1:root`, `Service ecs.amazonaws.com`, `Service ec2.amazonaws.com`/,
      /on: `arn:1`, `arn:2`/,
      /only if `aws:SecureTransport` Bool `true`/,
      /only if `aws:x` StringLike `a` or `b`/,
    ],
  ],
  [
    'equal broad statements are listed once, with all holders and the reason in the code',
    ['web', 'was'].flatMap((name) => [role(name), ownPolicy(name, policy(login))]),
    [
      /each action and resource: \*\*2 statements\*\*/,
      /^- \*\*every resource:\*\* `ecr:GetAuthorizationToken`/m,
      /for `web`, `was`/,
      /reason given in the code: /,
    ],
    [/^- \*\*every resource:\*\*.*^- \*\*every resource:\*\*/ms],
  ],
  [
    'in a changed policy, new and removed statements are marked',
    [
      unchanged('aws_iam_role.task', { name: 'task', assume_role_policy: trust }),
      updated(
        'aws_iam_role_policy.p',
        { policy: policy(read, removed), role: 'task' },
        { policy: policy(read, login), role: 'task' },
        { declared: { role: '${aws_iam_role.task.name}' } },
      ),
    ],
    [
      /1 policy with 3 statements \(1 new, 1 removed and 1 unchanged\)/,
      /^- new: ⚠ \*\*every resource:\*\* \*\*Allow\*\* `ecr:GetAuthorizationToken`/m,
      /^- removed: \*\*Allow\*\* `s3:PutObject`/m,
      /^- \*\*Allow\*\* `s3:GetObject`/m,
    ],
  ],
  [
    'a policy with the same meaning in another form is not changed',
    [
      updated(
        'aws_iam_policy.p',
        { name: 'a', policy: policy(read) },
        { name: 'a', policy: policy({ ...read, Action: ['s3:GetObject'] }) },
      ),
    ],
    [/^$/],
  ],
  [
    'a policy that is only known at apply is read from the code, with its references',
    [created('aws_s3_bucket_policy.photos', {}, { unknown, declared: { policy: policy(open) } })],
    [
      /⚠ \*\*anyone:\*\* \*\*Allow\*\* `s3:GetObject`/,
      /on: `\$\{aws_s3_bucket\.photos\.arn\}\/\*`/,
      /filled in at apply/,
    ],
  ],
  [
    'a policy inside a block is found too, and what is not a policy is not taken for one',
    [
      role('r', { inline_policy: [{ name: 'x', policy: policy(login) }] }),
      ...['{"Statement":"x"}', '[]', '{"rules":[]}'].map((text, index) =>
        created(`aws_thing.t${index}`, { text }),
      ),
    ],
    [/`ecr:GetAuthorizationToken`/, /1 policy|2 policies/],
    [/aws_thing/],
  ],
  [
    'a policy that is only known at apply is named, not passed over',
    [created('aws_iam_role_policy.p', { role: 'task', policy: '${aws_thing.x.json}' })],
    [/⚠ `task` gets a policy that cannot be read before the apply/],
    [],
  ],
  [
    'a managed policy belongs to the roles that it is attached to',
    [
      created('aws_iam_policy.invoke', { name: 'Invoke', policy: policy(read) }),
      role('task'),
      referring('aws_iam_role_policy_attachment.a', {
        role: '${aws_iam_role.task.name}',
        policy_arn: '${aws_iam_policy.invoke.arn}',
      }),
      created('aws_iam_role_policy_attachment.b', studio),
    ],
    [
      /⚠ `studio` gets `[\w:/]+AmazonSageMakerFullAccess`, a policy of AWS that is not examined/,
      /In `aws_iam_role\.task` \(new\) and `aws_iam_policy\.invoke` \(new\)/,
    ],
  ],
]);

const named = 'arn:aws:s3:::photos/*';
const root = { AWS: 'arn:aws:iam::1:root' };
const every = { Action: ['iam:PassRole', 's3:*'], Resource: '*' };
const reasoned = { Action: ['ecr:GetAuthorizationToken', 'ecr:*'], Resource: '*' };

for (const [title, statement, expected, type = 'aws_iam_policy'] of [
  ['what names each thing', { Action: 's3:GetObject', Resource: named }],
  ['every resource', every, 'iam:PassRole, s3:* (every action of s3, every resource)'],
  ['wildcards', { Action: 's3:Get*', Resource: named }, 's3:Get* (wildcard in actions)'],
  ['everything', { Action: '*', Resource: '*' }, '* (every action, every resource)'],
  [
    'all but some',
    { NotAction: 'iam:*', NotResource: named },
    'all but some actions (every action, every resource)',
  ],
  ['what has its reason in the code', login],
  ['reasons for a part', reasoned, 'ecr:GetAuthorizationToken, ecr:* (every action of ecr, every resource)'],
  ['any account', { Action: 's3:Get', Principal: { AWS: '*' } }, 's3:Get (anyone)', 'aws_s3_bucket_policy'],
  ['all but some users', { Action: 's3:Get', NotPrincipal: root }, 's3:Get (anyone)', 'aws_s3_bucket_policy'],
  [
    'a key, whose every resource is itself',
    { Action: 'kms:*', Principal: root, Resource: '*' },
    'kms:* (every action of kms)',
    'aws_kms_key',
  ],
  ['a denial', { ...every, Effect: 'Deny' }],
] satisfies [string, object, string?, string?][])
  test(`access is widened by ${title}: ${expected === undefined ? 'no' : 'yes'}`, () => {
    const after = policy(read, { Effect: 'Allow', ...statement });
    const fixture = updated(`${type}.p`, { name: 'p', policy: policy(read) }, { name: 'p', policy: after });
    const items = attentionSection(inventoryFrom(fixture)).split('\n').slice(2);
    assert.deepEqual(items, expected ? ['- Access is widened: 1', `  - \`p\` gets ${expected}`] : []);
  });

test('policies of AWS and those only known at apply, new ways from and to the internet and outages are counted and named', () => {
  const rule = { ip_protocol: 'tcp', from_port: 22, to_port: 22 };
  const inventory = inventoryFrom(
    unchanged('aws_iam_role_policy.was', { policy: policy({ Effect: 'Allow', ...every }) }),
    created('aws_iam_role_policy_attachment.a', studio),
    created('aws_iam_role_policy.p', { role: 'task', policy: '${aws_thing.x.json}' }),
    created('aws_vpc_security_group_ingress_rule.ssh', { ...rule, cidr_ipv4: '0.0.0.0/0' }),
    created('aws_vpc_security_group_ingress_rule.inside', { ...rule, cidr_ipv4: '10.0.0.0/16' }),
    unchanged('aws_vpc_security_group_ingress_rule.http', { ...rule, cidr_ipv4: '0.0.0.0/0' }),
    replaced(
      'aws_vpc_security_group_ingress_rule.moved',
      { ...rule, cidr_ipv4: '0.0.0.0/0', security_group_id: 'sg-1' },
      { ...rule, cidr_ipv4: '0.0.0.0/0' },
    ),
    created('aws_vpc_security_group_egress_rule.all', { ip_protocol: '-1', cidr_ipv4: '0.0.0.0/0' }),
    replaced('aws_ecs_service.web'),
    replaced('aws_ecs_task_definition.web'),
    created('aws_sagemaker_pipeline.one', { pipeline_definition: '{"MIN_INSTANCES":"1"}' }),
    created('aws_sagemaker_pipeline.two', { pipeline_definition: '{"MIN_INSTANCES":"12"}' }),
    unchanged('aws_sagemaker_pipeline.as-before', { pipeline_definition: '{"MIN_INSTANCES":"1"}' }),
  );
  assert.deepEqual(attentionSection(inventory).split('\n'), [
    '## ⚠ Before you approve',
    '',
    '- Access is widened: 2',
    `  - \`studio\` gets ${studio.policy_arn}`,
    '  - `task` gets a policy that cannot be read before the apply',
    '- New openings to the internet: 1',
    '  - `aws_vpc_security_group_ingress_rule.ssh`',
    '- New ways out to the internet: 1',
    '  - `aws_vpc_security_group_egress_rule.all`',
    '- Out of service until recreated: 2',
    '  - `aws_vpc_security_group_ingress_rule.moved`',
    '  - `aws_ecs_service.web`',
    '- New models get all traffic at once, without a canary, because the endpoint has one instance; each is tried on a separate endpoint before: 1',
    '  - `aws_sagemaker_pipeline.one`',
  ]);
});

const blocking = { name: 'limit', action: [{ block: [{ custom_response: [] }], count: [] }] };
const counting = { name: 'limit', action: [{ block: [], count: [{ custom_request_handling: [] }] }] };
const ending = (days: number | null) => [{ id: 'tidy', expiration: [{ days }] }];
const keeping = (countNumber: number) => JSON.stringify({ rules: [{ selection: { countNumber } }] });

for (const [setting, before, after, expected] of [
  ['retention_in_days', 30, 7, 'what is older is deleted'],
  ['retention_in_days', 0, 365, 'what is older is deleted'],
  ['retention_in_days', 30, 90, undefined],
  ['retention_in_days', 30, 0, undefined],
  ['rule', ending(90), ending(7), 'what is older is deleted'],
  ['rule', ending(null), ending(7), 'what is older is deleted'],
  ['policy', keeping(20), keeping(2), 'what is older is deleted'],
  ['deletion_window_in_days', 30, 7, 'a shorter time'],
  ['force_delete', false, true, 'all that is in it'],
  ['enable_deletion_protection', true, false, 'not protected'],
  ['enable_deletion_protection', false, true, undefined],
  ['versioning_configuration', [{ status: 'Enabled' }], [{ status: 'Suspended' }], 'is not kept'],
  ['block_public_acls', true, false, 'made public'],
  ['rule', [blocking, { name: 'sql' }], [blocking], 'no longer has this rule'],
  ['rule', [blocking], [counting], 'only counts what this rule matches'],
  ['alarm_actions', ['arn:1'], [], 'nobody is told'],
] satisfies [string, Json, Json, string | undefined][])
  test(`a protection is weaker: ${setting}, ${JSON.stringify(after)}: ${expected ?? 'no'}`, () => {
    const inventory = inventoryFrom(updated('aws_x.y', { [setting]: before }, { [setting]: after }));
    const [text = '', ...others] = findWeakened(inventory);
    assert.deepEqual([text !== '', others], [expected !== undefined, []]);
    assert.ok(text.includes(expected ?? ''), text);
  });

test('what protects something that stays is missed when it is destroyed; where everything goes, nothing is', () => {
  const own = { bucket: 'app-photos' };
  const inventory = inventoryFrom(
    unchanged('aws_s3_bucket.photos', own),
    destroyed('aws_s3_bucket_versioning.photos', own),
    destroyed('aws_s3_bucket.old', { bucket: 'old' }),
    destroyed('aws_s3_bucket_versioning.old', { bucket: 'old' }),
  );
  assert.match(findWeakened(inventory).join(), /^`aws_s3_bucket_versioning\.photos`: destroyed, [^,]*$/);
  assert.equal(attentionSection(inventoryFrom(destroyed('aws_ecs_service.web'))), '');
});
