import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findChanges, findDifferences, type Sides } from './differences.ts';
import { type Fixture, inventoryFrom, replaced, updated } from './plan-fixtures.ts';

const definition = (memory: number, environment: readonly object[]): string =>
  JSON.stringify([{ name: 'app', memory, environment, essential: true }]);
const [port, host] = [
  { name: 'PORT', value: '80' },
  { name: 'HOST', value: 'a' },
];
const secrets = { before: { user: 'a', password: 'old' }, after: { user: 'a', password: 'new' } };
const reading = (Resource: string): string =>
  JSON.stringify({ Statement: [{ Sid: 'Read', Action: 's3:Get', Resource }] });
const hidden = '(sensitive value) -> (sensitive value)';

for (const [title, sides, expected] of [
  [
    'JSON in a text is compared inside, and items with a name are found in whatever order',
    {
      before: definition(512, [port, host]),
      after: definition(1024, [{ name: 'HOST', value: 'b' }, port, { name: 'NEW', value: '1' }]),
    },
    [
      'x[app].memory: 512 -> 1024',
      'x[app].environment[HOST].value: a -> b',
      'x[app].environment[NEW].name: (none) -> NEW',
      'x[app].environment[NEW].value: (none) -> 1',
    ],
  ],
  [
    'what is removed is listed, with its place',
    { before: [host, port], after: [port] },
    ['x[HOST].name: HOST -> (none)', 'x[HOST].value: a -> (none)'],
  ],
  ['empty is as good as missing', { before: { a: null, b: [], c: '', d: { e: null } }, after: {} }, []],
  [
    'false and zero are values',
    { before: { a: true, b: 1 }, after: { a: false, b: 0 } },
    ['x.a: true -> false', 'x.b: 1 -> 0'],
  ],
  ['only additions and removals are listed', { before: ['a', 'b'], after: ['b', 'c'] }, ['x: a -> c']],
  ['a new order is listed as a whole', { before: ['a', 'b'], after: ['b', 'a'] }, ['x: a, b -> b, a']],
  [
    'a block that there is once is not numbered',
    { before: [{ cpu: 'X86_64' }], after: [{ cpu: 'ARM64' }] },
    ['x.cpu: X86_64 -> ARM64'],
  ],
  [
    'what is only known at apply is marked as such, also inside',
    { before: [{ type: 'forward', target: 't' }], after: [{ type: 'forward' }], unknown: [{ target: true }] },
    ['x.target: t -> (known after apply)'],
  ],
  [
    'a secret that changes is reported without its values',
    { ...secrets, afterSensitive: { password: true }, beforeSensitive: { password: true } },
    [`x.password: ${hidden}`],
  ],
  ['a secret that stays is not', { before: 'same', after: 'same', afterSensitive: true }, []],
] satisfies readonly (readonly [string, Sides, readonly string[]])[])
  test(title, () => {
    const differences = findDifferences(sides, 'x');
    assert.deepEqual(
      differences.map(({ path, before, after }) => `${path}: ${before} -> ${after}`),
      expected,
    );
  });

for (const [title, fixture, expected] of [
  [
    'what forces the replacement comes first, and what AWS computes is left out',
    replaced(
      'aws_subnet.a',
      { id: 'subnet-1', arn: 'arn:1', tags: { Name: 'a' }, cidr_block: '10.0.0.0/20' },
      { tags: { Name: 'b' }, cidr_block: '10.1.0.0/20' },
      { unknown: { id: true, arn: true }, replacePaths: [['cidr_block']] },
    ),
    ['! cidr_block: 10.0.0.0/20 -> 10.1.0.0/20', 'tags.Name: a -> b'],
  ],
  [
    'an attribute that the code sets to a new reference names it',
    replaced(
      'aws_subnet.a',
      { vpc_id: 'vpc-1' },
      {},
      { unknown: { vpc_id: true }, declared: { vpc_id: '${aws_vpc.main.id}' }, replacePaths: [['vpc_id']] },
    ),
    ['! vpc_id: vpc-1 -> (known after apply: aws_vpc.main.id)'],
  ],
  [
    'a policy that is only known at apply is compared inside, as the code has it',
    updated(
      'aws_iam_role_policy.read',
      { policy: reading('arn:1') },
      {},
      { unknown: { policy: true }, declared: { policy: reading('${aws_s3_bucket.b.arn}') } },
    ),
    ['policy.Statement[Read].Resource: arn:1 -> (known after apply: aws_s3_bucket.b.arn)'],
  ],
  [
    'a tag is listed once, although the provider lists it twice',
    updated(
      'aws_vpc.main',
      { tags: { team: 'a' }, tags_all: { team: 'a' } },
      { tags: { team: 'b' }, tags_all: { team: 'b' } },
    ),
    ['tags.team: a -> b'],
  ],
  [
    'what AWS fills in is left out, at any depth; what was removed from the code is not',
    replaced(
      'aws_sagemaker_domain.d',
      { settings: [{ groups: ['sg-1'], home: null }], netmask: 0, description: 'old' },
      { settings: [{}], netmask: null, description: null },
      {
        unknown: { settings: [{ groups: true, home: true }] },
        declared: { settings: { groups: ['${aws_security_group.g.id}'] } },
      },
    ),
    ['settings.groups: sg-1 -> (known after apply)', 'description: old -> (none)'],
  ],
] satisfies [string, Fixture, string[]][])
  test(title, () => {
    const changes = inventoryFrom(fixture)
      .resources.flatMap(findChanges)
      .map((each) => `${each.forcesReplacement ? '! ' : ''}${each.path}: ${each.before} -> ${each.after}`);
    assert.deepEqual(changes, expected);
  });
