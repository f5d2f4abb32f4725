import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permissionsSection } from './permissions.ts';
import { created, type Fixture, inventoryFrom, referring, unchanged, updated } from './plan-fixtures.ts';

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
