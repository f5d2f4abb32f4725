import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountOf, protectedResources, readState } from './state.ts';

const resource = (type: string, name: string, attributes: object, mode = 'managed') => ({
  mode,
  type,
  name,
  provider: 'provider["registry.terraform.io/hashicorp/aws"]',
  instances: [{ schema_version: 1, attributes }],
});

const state = (...resources: object[]) => readState(JSON.stringify({ version: 4, serial: 3, resources }));

test('the account is read from the first ARN that has one', () => {
  const resources = state(
    resource('aws_route', 'r', { id: 'r-1' }),
    resource('aws_s3_bucket', 'b', { arn: 'arn:aws:s3:::flowers' }),
    resource('aws_vpc', 'v', { arn: 'arn:aws:ec2:ap-northeast-2:123456789012:vpc/vpc-1' }),
  );
  assert.equal(accountOf(resources), '123456789012');
});

test('an empty state has no resources and tells no account', () => {
  for (const resources of [readState(''), state()]) {
    assert.deepEqual(resources, []);
    assert.equal(accountOf(resources), undefined);
  }
});

test('data sources are not resources', () => {
  assert.deepEqual(state(resource('aws_caller_identity', 'me', { id: '1' }, 'data')), []);
});

test('what is protected from deletion is named', () => {
  const resources = state(
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
