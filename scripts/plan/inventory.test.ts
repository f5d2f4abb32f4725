import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayName, resolveReferences } from './inventory.ts';
import { created, destroyed, inventoryFrom, referring, unchanged, updated } from './plan-fixtures.ts';
import type { Json } from './terraform-plan.ts';
import { parseDeclaredStack, parseTerraformPlan } from './terraform-plan.ts';

test('a resource belongs to the outermost construct around it', () => {
  const { resources } = inventoryFrom(
    created('aws_lb.web-alb', {}, { component: 'web' }),
    created('aws_vpc.network-vpc', {}, { component: 'network' }),
  );
  assert.deepEqual(
    resources.map(({ component }) => component),
    ['web', 'network'],
  );
});

test('what is no longer in the configuration is placed by its name, in the component that fits best', () => {
  const { resources } = inventoryFrom(
    created('aws_lb.web-alb', {}, { component: 'web' }),
    created('aws_wafv2_web_acl.web-waf', {}, { component: 'web-waf' }),
    destroyed('aws_wafv2_web_acl_association.web-waf-association', {}),
    destroyed('aws_s3_bucket.archive', {}),
  );
  assert.deepEqual(
    resources.map(({ component }) => component),
    ['web', 'web-waf', 'web-waf', 'no longer in the configuration'],
  );
});

test('an attribute that is only known at apply is as in the code, with what is known filled in', () => {
  const policy = '${aws_s3_bucket.photos.bucket} ${aws_kms_key.k.arn}';
  const { resources } = inventoryFrom(
    unchanged('aws_s3_bucket.photos', { bucket: 'app-photos' }),
    created(
      'aws_iam_role_policy.read',
      { name: 'read' },
      { unknown: { policy: true, id: true }, declared: { name: 'read', policy } },
    ),
  );
  assert.deepEqual(resources[1]?.after, { name: 'read', policy: 'app-photos ${aws_kms_key.k.arn}' });
});

test('a secret is filled in nowhere', () => {
  const declared = { container_definitions: '${aws_db_instance.db.password}' };
  const { resources } = inventoryFrom(
    unchanged('aws_db_instance.db', { password: 'hunter2' }, { sensitive: { password: true } }),
    created('aws_ecs_task_definition.td', {}, { unknown: { container_definitions: true }, declared }),
  );
  assert.ok(!JSON.stringify(resources.map(({ after, before }) => [after, before])).includes('hunter2'));
});

test('links are found by the references in the code', () => {
  const { resources, linked } = inventoryFrom(
    created('aws_security_group.web-sg', {}, { unknown: { id: true } }),
    referring('aws_lb.web', { security_groups: ['${aws_security_group.web-sg.id}'] }),
  );
  const [group, balancer] = resources;
  assert.ok(group && balancer);
  assert.deepEqual(linked(balancer, 'security_groups'), [group]);
});

test('links of what is no longer in the configuration are found by the ids in the state', () => {
  const { resources, linked } = inventoryFrom(
    unchanged('aws_s3_bucket.photos', { id: 'app-photos', bucket: 'app-photos' }),
    unchanged('aws_s3_bucket.other', { id: 'other' }),
    unchanged('aws_s3_bucket_versioning.photos', { id: 'app-photos' }),
    destroyed('aws_s3_bucket_policy.photos', { bucket: 'app-photos' }),
  );
  const [bucket, , , policy] = resources;
  assert.ok(bucket && policy);
  assert.deepEqual(linked(policy, 'bucket'), [bucket]);
});

test('a link leads to what is there, not to an old copy at the same address', () => {
  const bucket = unchanged('aws_s3_bucket.photos', { id: 'new' });
  const policy = referring('aws_s3_bucket_policy.p', { bucket: '${aws_s3_bucket.photos.id}' });
  const old = destroyed('aws_s3_bucket.photos', { id: 'old' });
  const copy = { ...old, entry: { ...old.entry, deposed: 'abcd1234' } };
  const { resources, linked } = inventoryFrom(bucket, policy, copy);
  const [living, holder] = resources;
  assert.ok(living && holder);
  assert.deepEqual(linked(holder, 'bucket'), [living]);
});

test('only in a plan that changes something that exists are new things marked as new', () => {
  const first = inventoryFrom(created('aws_lb.web', {}));
  assert.deepEqual(first.resources.map(first.changeMark), ['']);
  const later = inventoryFrom(
    created('aws_lb.web', {}),
    updated('aws_vpc.main', {}, {}),
    unchanged('aws_eip.nat', {}),
  );
  assert.deepEqual(later.resources.map(later.changeMark), [' (new)', ' (changed)', '']);
});

test('a resource is called by its name, by its tag, or by what comes nearest', () => {
  const name = (after: Parameters<typeof displayName>[0]['after']) =>
    displayName({ after, before: undefined });
  assert.equal(name({ name: 'app-web', tags: { Name: 'other' } }), 'app-web');
  assert.equal(name({ tags: { Name: 'app-vpc' }, description: 'the network' }), 'app-vpc');
  assert.equal(name({ bucket: '${aws_s3_bucket.x.id}', description: 'logs' }), 'logs');
  assert.equal(name({}), '');
});

const known = new Map<string, Json>([
  ['aws_s3_bucket.photos.bucket', 'app-photos'],
  ['aws_vpc.main.tags["Name"]', 'app-vpc'],
  ['aws_lb.web.port', 80],
]);

for (const [title, written, expected] of [
  ['text without references stays', 'arn:aws:s3:::photos/*', 'arn:aws:s3:::photos/*'],
  [
    'a known reference is replaced by its value',
    'arn:aws:s3:::${aws_s3_bucket.photos.bucket}/*',
    'arn:aws:s3:::app-photos/*',
  ],
  ['a reference alone keeps the type of its value', '${aws_lb.web.port}', 80],
  ['a key of a map is a reference', '${aws_vpc.main.tags["Name"]}', 'app-vpc'],
  ['a reference that is not known yet stays readable', '${aws_kms_key.x.arn}/*', '${aws_kms_key.x.arn}/*'],
  [
    'a function call stays as it is written',
    '${cidrsubnet(aws_vpc.main.cidr_block, 4, 1)}',
    '${cidrsubnet(aws_vpc.main.cidr_block, 4, 1)}',
  ],
  ['structures are read inside', { a: ['${aws_lb.web.port}', { b: false }] }, { a: [80, { b: false }] }],
] satisfies readonly (readonly [string, Json, Json])[])
  test(title, () => {
    assert.deepEqual(
      resolveReferences(written, (reference) => known.get(reference)),
      expected,
    );
  });

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
