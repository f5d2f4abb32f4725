import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProperties, synthesizedStack } from '../synthesized-stack.ts';

const stack = synthesizedStack();
const BUCKETS = ['access-logs', 'delivery-artifacts-bucket', 'learning-dataset'];

test('the list of buckets is complete', () => {
  assert.deepEqual(
    stack.addresses.filter((address) => address.startsWith('aws_s3_bucket.')),
    BUCKETS.map((name) => `aws_s3_bucket.${name}`),
  );
});

for (const name of BUCKETS) {
  test(`bucket ${name}: never public, encrypted, versioned, tidied, TLS only`, () => {
    assertProperties(stack.get(`aws_s3_bucket_public_access_block.${name}-public-access`), {
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    assertProperties(stack.get(`aws_s3_bucket_ownership_controls.${name}-ownership`), {
      rule: { object_ownership: 'BucketOwnerEnforced' },
    });
    assertProperties(stack.get(`aws_s3_bucket_versioning.${name}-versioning`), {
      versioning_configuration: { status: 'Enabled' },
    });
    const encryption = stack.get(`aws_s3_bucket_server_side_encryption_configuration.${name}-encryption`);
    assert.match(JSON.stringify(encryption['rule']), /"sse_algorithm":"(aws:kms|AES256)"/);
    const lifecycle = stack.get(`aws_s3_bucket_lifecycle_configuration.${name}-lifecycle`);
    assert.match(JSON.stringify(lifecycle['rule']), /"noncurrent_version_expiration"/);
    const tls = stack
      .statements()
      .find(({ address, Effect }) => address === `aws_s3_bucket_policy.${name}-policy` && Effect === 'Deny');
    assert.deepEqual(tls?.Condition, { Bool: { 'aws:SecureTransport': 'false' } });
    assert.deepEqual(tls?.Action, ['s3:*']);
  });
}

test('load balancers write their logs as their guide says: named by ARN, below the account', () => {
  const grant = stack.statements().find(({ Sid }) => Sid === 'LoadBalancersWriteTheirLogs');
  const balancers = 'arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/*';
  assert.deepEqual(grant?.Condition, { ArnLike: { 'aws:SourceArn': balancers } });
  const bucket = 'arn:aws:s3:::app-access-logs-123456789012';
  const paths = ['web', 'was'].map((name) => `${bucket}/app-${name}-alb/AWSLogs/123456789012/*`);
  assert.deepEqual(grant.Resource, paths);
});

test('an object is created after encryption and versioning of its bucket, and deleted before them', () => {
  const objects = stack.addresses.filter((address) => address.startsWith('aws_s3_object.'));
  assert.notEqual(objects.length, 0);
  for (const address of objects)
    assert.deepEqual(stack.get(address)['depends_on'], [
      'aws_s3_bucket_server_side_encryption_configuration.learning-dataset-encryption',
      'aws_s3_bucket_versioning.learning-dataset-versioning',
    ]);
});

test('with deletion protection nothing that holds data can be deleted by accident', () => {
  const protectedStack = synthesizedStack('full');
  for (const bucket of protectedStack.ofType('aws_s3_bucket')) assert.equal(bucket['force_destroy'], false);
  for (const registry of protectedStack.ofType('aws_ecr_repository'))
    assert.equal(registry['force_delete'], false);
  for (const balancer of protectedStack.ofType('aws_lb'))
    assert.equal(balancer['enable_deletion_protection'], true);
  assertProperties(protectedStack.get('aws_sagemaker_domain.learning-studio-domain'), {
    retention_policy: { home_efs_file_system: 'Retain' },
  });
});

test('customer managed keys are rotated every year, and deleted after a month', () => {
  const keys = stack.ofType('aws_kms_key');
  assert.equal(keys.length, 2);
  for (const key of keys) assertProperties(key, { enable_key_rotation: true, deletion_window_in_days: 30 });
});
