import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayName } from './inventory.ts';
import { code, markdownTable, shorten } from './markdown.ts';
import { created, destroyed, inventoryFrom, referring, unchanged, updated } from './plan-fixtures.ts';
import { type Attributes, parseTerraformPlan } from './terraform-plan.ts';

test('a resource belongs to the outermost construct around it, if the code still has it', () => {
  const { resources } = inventoryFrom(
    created('aws_lb.web-alb', {}, { component: 'web' }),
    created('aws_vpc.network-vpc', {}, { component: 'network' }),
    destroyed('aws_s3_bucket.archive'),
  );
  const components = resources.map(({ component }) => component);
  assert.deepEqual(components, ['web', 'network', 'no longer in the configuration']);
});

for (const [title, written, expected] of [
  ['a known reference is filled in', 'arn:aws:s3:::${aws_s3_bucket.b.bucket}/*', 'arn:aws:s3:::app-photos/*'],
  ['a reference alone keeps the type of its value', '${aws_lb.web.port}', 80],
  ['a key of a map is a reference', '${aws_lb.web.tags["Name"]}', 'app-web'],
  ['a reference that is not known yet stays', '${aws_kms_key.x.arn}/*', '${aws_kms_key.x.arn}/*'],
  ['so does a function call', '${cidrsubnet(aws_vpc.v.block, 4, 1)}', '${cidrsubnet(aws_vpc.v.block, 4, 1)}'],
  [
    'structures are read inside',
    { a: ['${aws_lb.web.port}', '${aws_lb.web.password}'] },
    { a: [80, '(sensitive value)'] },
  ],
] satisfies [string, Attributes[string], Attributes[string]][])
  test(`an attribute that is only known at apply is as in the code: ${title}`, () => {
    const { resources } = inventoryFrom(
      unchanged('aws_s3_bucket.b', { bucket: 'app-photos' }),
      unchanged(
        'aws_lb.web',
        { port: 80, tags: { Name: 'app-web' }, password: 'hunter2' },
        { sensitive: { password: true } },
      ),
      created('aws_thing.t', {}, { unknown: { it: true, id: true }, declared: { it: written } }),
    );
    assert.deepEqual(resources[2]?.after, { it: expected });
  });

test('a resource is called by its name, and by its description only if it has none', () => {
  const named = { description: 'Source of app-web', repository_name: 'app-web' };
  assert.equal(displayName({ before: undefined, after: named }), 'app-web');
  assert.equal(displayName({ before: undefined, after: { description: 'Messages' } }), 'Messages');
});

test('a link leads to what the code refers to, not to an old copy at the same address', () => {
  const old = destroyed('aws_s3_bucket.photos');
  const { resources, linked } = inventoryFrom(
    unchanged('aws_s3_bucket.photos'),
    referring('aws_s3_bucket_policy.p', { bucket: '${aws_s3_bucket.photos.id}' }),
    { ...old, entry: { ...old.entry, deposed: 'abcd1234' } },
  );
  const [living, holder] = resources;
  assert.ok(living && holder);
  assert.deepEqual(linked(holder, 'bucket'), [living]);
});

test('only in a plan that changes something that exists are new things marked as new', () => {
  const first = inventoryFrom(created('aws_lb.web'));
  assert.deepEqual(first.resources.map(first.changeMark), ['']);
  const later = inventoryFrom(created('aws_lb.web'), updated('aws_vpc.main'), unchanged('aws_eip.nat'));
  assert.deepEqual(later.resources.map(later.changeMark), [' (new)', ' (changed)', '']);
});

test('anything but a plan in a known format is refused, with the next step', () => {
  for (const plan of [{ format_version: '2.0' }, 'Plan: 3 to add'])
    assert.throws(() => parseTerraformPlan(plan), /terraform show -json tfplan/);
});

test('nothing in code or in a cell is taken for Markdown, and long text loses its middle', () => {
  assert.deepEqual(['a*b', 'echo `date`', ''].map(code), ['`a*b`', '`` echo `date` ``', '`""`']);
  assert.deepEqual(markdownTable(['a', 'name'], [['x|y', 'one\ntwo']]).split('\n'), [
    '| a    | name    |',
    '|------|---------|',
    '| x\\|y | one two |',
  ]);
  assert.equal(shorten('aaaaaaaaaabbbbbbbbbb', 11), 'aaaaa…bbbbb');
});
