import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedPlace, protectedResources, readState } from './state.ts';

const resource = (type: string, name: string, attributes: object, mode = 'managed') => ({
  mode,
  type,
  name,
  provider: 'provider["registry.terraform.io/hashicorp/aws"]',
  instances: [{ schema_version: 1, attributes }],
});

const stateWith = (...resources: object[]) => readState(JSON.stringify({ version: 4, serial: 3, resources }));

test('account and region are read from the first ARNs that have them', () => {
  const resources = stateWith(
    resource('aws_route', 'r', { id: 'r-1' }),
    resource('aws_s3_bucket', 'b', { arn: 'arn:aws:s3:::flowers' }),
    resource('aws_iam_role', 'i', { arn: 'arn:aws:iam::123456789012:role/x' }),
    resource('aws_vpc', 'v', { arn: 'arn:aws:ec2:ap-northeast-2:123456789012:vpc/vpc-1' }),
  );
  assert.deepEqual(deployedPlace(resources), { account: '123456789012', region: 'ap-northeast-2' });
});

test('an empty state has no resources and no place', () => {
  for (const resources of [readState(''), stateWith()]) {
    assert.deepEqual(resources, []);
    assert.deepEqual(deployedPlace(resources), { account: undefined, region: undefined });
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
