import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { configuration } from '../../stacks/config/schema.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ROOT } from '../shared/paths.ts';
import { deployedAccount, localStateFile, protectedResources, readState, stateFile } from './state.ts';
import { type StackFiles, synthesizeStack } from './synth.ts';

const resource = (type: string, name: string, attributes: object, mode = 'managed') => ({
  mode,
  type,
  name,
  provider: 'provider["registry.terraform.io/hashicorp/aws"]',
  instances: [{ schema_version: 1, attributes }],
});

const stateWith = (...resources: object[]) => readState(JSON.stringify({ version: 4, serial: 3, resources }));

test('the account is read from the first ARN that has one', () => {
  const resources = stateWith(
    resource('aws_route', 'r', { id: 'r-1' }),
    resource('aws_s3_bucket', 'b', { arn: 'arn:aws:s3:::flowers' }),
    resource('aws_vpc', 'v', { arn: 'arn:aws:ec2:ap-northeast-2:123456789012:vpc/vpc-1' }),
  );
  assert.equal(deployedAccount(resources), '123456789012');
});

test('an empty state has no resources and no account', () => {
  for (const resources of [readState(''), stateWith()]) {
    assert.deepEqual(resources, []);
    assert.equal(deployedAccount(resources), undefined);
  }
});

test('data sources are not resources', () => {
  assert.deepEqual(stateWith(resource('aws_caller_identity', 'me', { id: '1' }, 'data')), []);
});

test('what is protected from deletion is named', () => {
  const resources = stateWith(
    resource('aws_lb', 'web-alb', { enable_deletion_protection: true }),
    resource('aws_lb', 'was-alb', { enable_deletion_protection: false }),
    resource('aws_s3_bucket', 'delivery-artifacts-bucket', { force_destroy: false }),
    resource('aws_ecr_repository', 'images-web-repository', { force_delete: true }),
  );
  assert.deepEqual(protectedResources(resources), [
    'aws_lb.web-alb',
    'aws_s3_bucket.delivery-artifacts-bucket',
  ]);
});

const synthesized = (t: TestContext, settings: object = {}): StackFiles => {
  const stack = synthesizeStack(configuration.parse(settings), temporaryFolder(t));
  return { ...stack, directory: path.join(ROOT, 'cdktf.out/stacks', stack.name) };
};

test('the state in a file is where a forgotten one is looked for', (t) => {
  const stack = synthesized(t);
  assert.equal(stateFile(stack), localStateFile(stack.name));
});

test('a state in S3 is in no file', (t) => {
  assert.equal(stateFile(synthesized(t, { state: { bucket: 'flowers-state' } })), undefined);
});
