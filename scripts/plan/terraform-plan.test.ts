import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDeclaredStack, parseTerraformPlan } from './terraform-plan.ts';

test('a plan without changes has none', () => {
  assert.deepEqual(parseTerraformPlan({ format_version: '1.2' }).resource_changes, []);
});

test('a plan of an unknown format is refused, with the next step', () => {
  assert.throws(
    () => parseTerraformPlan({ format_version: '2.0', resource_changes: [] }),
    /1\.x.*terraform show -json/s,
  );
  assert.throws(() => parseTerraformPlan('Plan: 3 to add'), /terraform show -json/);
});

test('a stack that cdktf did not write is refused, with the next step', () => {
  assert.throws(() => parseDeclaredStack({ stacks: {} }), /npm run synth/);
});

test('resources of the code are found by address, with the constructs around them', () => {
  const vpc = { cidr_block: '10.0.0.0/16', '//': { metadata: { path: 'shop/network/vpc' } } };
  const { resources, name, region, account } = parseDeclaredStack({
    '//': { metadata: { stackName: 'shop' } },
    provider: { aws: [{ region: 'ap-northeast-2', allowed_account_ids: ['123456789012'] }] },
    resource: { aws_vpc: { main: vpc } },
  });
  assert.deepEqual([name, region, account], ['shop', 'ap-northeast-2', '123456789012']);
  assert.deepEqual(resources.get('aws_vpc.main'), {
    path: ['shop', 'network', 'vpc'],
    attributes: { cidr_block: '10.0.0.0/16' },
  });
});
