import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketPolicies } from './bucket-policies.ts';

const line = (method: string, path: string) => ({ method, path });

test('a bucket has the policy that it was given, until it is taken away', () => {
  const policies = bucketPolicies();
  const get = line('GET', '/photos?policy');
  assert.equal(policies.answer(get, '').status, 404);
  assert.equal(policies.answer(line('PUT', '/photos?policy='), '{"Version":"2012-10-17"}').status, 204);
  assert.deepEqual(policies.answer(get, ''), {
    status: 200,
    contentType: 'application/json',
    body: '{"Version":"2012-10-17"}',
  });
  assert.equal(policies.answer(line('GET', '/others?policy'), '').status, 404);
  assert.equal(policies.answer(line('DELETE', '/photos?policy'), '').status, 204);
  assert.match(policies.answer(get, '').body, /NoSuchBucketPolicy/);
});

test('objects and other settings of buckets are none of its business', () => {
  const policies = bucketPolicies();
  for (const path of ['/photos', '/photos/policy', '/photos?policyStatus', '/photos?versioning', '/?policy'])
    assert.equal(policies.concerns(line('GET', path)), false, path);
});
