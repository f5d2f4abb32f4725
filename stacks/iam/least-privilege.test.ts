import assert from 'node:assert/strict';
import { test } from 'node:test';
import { synthesizedStack } from '../synthesized-stack.ts';
import { UNRESTRICTED_ACTIONS } from './policy.ts';

const stack = synthesizedStack();
const allowed = stack.statements().filter(({ Effect }) => Effect === 'Allow');

test('no statement allows an action by wildcard', () => {
  assert.ok(allowed.length > 80, `${allowed.length}`);
  for (const { address, Sid, Action } of allowed)
    for (const action of Action) assert.ok(!action.includes('*'), `${address}, ${Sid}: ${action}`);
});

test('every resource is named, except for the actions in the list of reasons', () => {
  const used = new Set<string>();
  for (const { address, Sid, Action, Resource } of allowed) {
    // In the policy of a key, "*" is that key.
    if (address.startsWith('aws_kms_key.') || !Resource.includes('*')) continue;
    for (const action of Action) {
      assert.ok(
        UNRESTRICTED_ACTIONS[action] !== undefined,
        `${address}, ${Sid}: ${action} on every resource`,
      );
      used.add(action);
    }
  }
  assert.deepEqual(
    Object.keys(UNRESTRICTED_ACTIONS).sort(),
    [...used].sort(),
    'the list holds what is used, and no more',
  );
});

test('no resource is a whole service or region', () => {
  for (const { address, Resource } of allowed)
    for (const resource of Resource.filter((each) => each !== '*'))
      assert.match(resource, /^arn:aws:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.*[a-z]/, `${address}: ${resource}`);
});

test('every role is assumed by one AWS service, for this account only, and passed by name, to one service', () => {
  const trust = allowed.filter(({ address }) => address.startsWith('aws_iam_role.'));
  assert.equal(trust.length, stack.ofType('aws_iam_role').length);
  for (const { address, Action, Condition } of trust) {
    assert.deepEqual(Action, ['sts:AssumeRole'], address);
    assert.deepEqual(Condition, { StringEquals: { 'aws:SourceAccount': '123456789012' } }, address);
  }
  const passing = allowed.filter(({ Action }) => Action.includes('iam:PassRole'));
  assert.ok(passing.length > 0);
  for (const { address, Resource, Condition } of passing) {
    for (const role of Resource) assert.match(role, /^arn:aws:iam::123456789012:role\/[A-Za-z-]+$/, address);
    assert.match(JSON.stringify(Condition), /"iam:PassedToService"/, address);
  }
});

test('no permission depends on an AWS-managed policy, any principal, or an alias, which takes effect minutes later', () => {
  for (const attachment of stack.ofType('aws_iam_role_policy_attachment'))
    assert.match(String(attachment['policy_arn']), /^\$\{aws_iam_policy\./);
  for (const { address, Sid, Principal, Condition } of allowed) {
    assert.ok(!JSON.stringify(Principal ?? '').includes('"*"'), `${address}, ${Sid}`);
    assert.doesNotMatch(JSON.stringify(Condition ?? ''), /kms:ResourceAliases/, `${address}, ${Sid}`);
  }
});

test('a role uses a key for the objects of one bucket, by a condition that holds from the first minute', () => {
  const uses = allowed.filter(({ Sid }) => Sid === 'UseTheKey');
  assert.ok(uses.length >= 6, `${uses.length}`);
  const oneBucket =
    /^{"StringLike":{"kms:EncryptionContext:aws:s3:arn":\["(arn:aws:s3:::app-[a-z-]+-123456789012)","\1\/\*"\]}}$/;
  for (const { address, Condition } of uses) assert.match(JSON.stringify(Condition), oneBucket, address);
});

test('AWS services may act only for this account; EventBridge cannot say for whom', () => {
  const grants = synthesizedStack('full')
    .statements()
    .filter(
      ({ Principal, address }) => /amazonaws/.test(JSON.stringify(Principal)) && !/_role\./.test(address),
    );
  assert.ok(grants.length >= 7, `${grants.length}`);
  for (const { address, Sid, Principal, Condition } of grants)
    if (JSON.stringify(Principal).includes('events.amazonaws.com'))
      assert.equal(Condition, undefined, `${address}, ${Sid}: with a condition its messages are dropped`);
    else
      assert.match(
        JSON.stringify(Condition ?? ''),
        /"aws:SourceAccount":"123456789012"|"aws:SourceArn":"arn:aws:elasticloadbalancing:[a-z0-9-]+:123456789012:/,
        `${address}, ${Sid}`,
      );
});

test('every permission for a SageMaker pipeline covers both spellings of its name', () => {
  const ours = allowed
    .filter(({ Sid }) => Sid === 'RunThePipelines')
    .flatMap(({ Resource }) => Resource.map((arn) => arn.split(':').at(-1)));
  const names = ['Train', 'Model', 'Deploy'].map((name) => `pipeline/AppMlPipeline-${name}`);
  const spelled = names.flatMap((name) => [name, name.toLowerCase()]);
  assert.deepEqual(ours, [...spelled, ...spelled.map((name) => `${name}/execution/*`)]);
});
