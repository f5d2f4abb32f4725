import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeList, excerpts, findChanges, findDifferences, type Sides } from './differences.ts';
import { type Fixture, inventoryFrom, replaced, updated } from './plan-fixtures.ts';

const compare = (sides: Sides): string[] =>
  findDifferences(sides, 'x').map(({ path, before, after }) => `${path}: ${before} -> ${after}`);

test('JSON in a text is compared inside, and items with a name are found in whatever order', () => {
  const definition = (memory: number, environment: readonly object[]): string =>
    JSON.stringify([{ name: 'app', memory, environment, essential: true }]);
  assert.deepEqual(
    compare({
      before: definition(512, [
        { name: 'PORT', value: '80' },
        { name: 'HOST', value: 'a' },
      ]),
      after: definition(1024, [
        { name: 'HOST', value: 'b' },
        { name: 'PORT', value: '80' },
        { name: 'NEW', value: '1' },
      ]),
    }),
    [
      'x[app].memory: 512 -> 1024',
      'x[app].environment[HOST].value: a -> b',
      'x[app].environment[NEW].name: (none) -> NEW',
      'x[app].environment[NEW].value: (none) -> 1',
    ],
  );
});

test('what is removed is listed, with its place', () => {
  assert.deepEqual(
    compare({
      before: [
        { name: 'a', n: 1 },
        { name: 'b', n: 2 },
      ],
      after: [{ name: 'b', n: 2 }],
    }),
    ['x[a].name: a -> (none)', 'x[a].n: 1 -> (none)'],
  );
});

test('empty is as good as missing, and so is a single value as a list of one', () => {
  assert.deepEqual(compare({ before: { a: null, b: [], c: '', d: { e: null } }, after: {} }), []);
  assert.deepEqual(compare({ before: '{"Action":"s3:Get"}', after: '{"Action":["s3:Get"]}' }), []);
});

test('false and zero are values', () => {
  assert.deepEqual(compare({ before: { a: true, b: 1 }, after: { a: false, b: 0 } }), [
    'x.a: true -> false',
    'x.b: 1 -> 0',
  ]);
  assert.deepEqual(compare({ before: { a: false }, after: {} }), ['x.a: false -> (none)']);
});

test('of a list of values only additions and removals are listed; a new order is listed as a whole', () => {
  assert.deepEqual(compare({ before: ['a', 'b'], after: ['b', 'c'] }), ['x: a -> c']);
  assert.deepEqual(compare({ before: ['a', 'b'], after: ['b', 'a'] }), ['x: a, b -> b, a']);
  assert.deepEqual(compare({ before: ['a'], after: [] }), ['x: a -> (none)']);
});

test('a block that there is once is not numbered; several are', () => {
  assert.deepEqual(compare({ before: [{ cpu: 'X86_64' }], after: [{ cpu: 'ARM64' }] }), [
    'x.cpu: X86_64 -> ARM64',
  ]);
  assert.deepEqual(compare({ before: [{ n: 1 }, { n: 2 }], after: [{ n: 1 }, { n: 3 }] }), [
    'x[1].n: 2 -> 3',
  ]);
});

test('what is only known at apply is marked as such, also inside', () => {
  assert.deepEqual(compare({ before: 'vpc-1', after: undefined, unknown: true }), [
    'x: vpc-1 -> (known after apply)',
  ]);
  assert.deepEqual(
    compare({
      before: [{ type: 'forward', target: 'tg-1' }],
      after: [{ type: 'forward' }],
      unknown: [{ target: true }],
    }),
    ['x.target: tg-1 -> (known after apply)'],
  );
});

test('a secret that changes is reported without its values, at any depth', () => {
  const sides = { before: { user: 'a', password: 'old' }, after: { user: 'a', password: 'new' } };
  assert.deepEqual(
    compare({ ...sides, afterSensitive: { password: true }, beforeSensitive: { password: true } }),
    ['x.password: (sensitive value) -> (sensitive value)'],
  );
  assert.deepEqual(compare({ ...sides, afterSensitive: true }), [
    'x: (sensitive value) -> (sensitive value)',
  ]);
  assert.deepEqual(compare({ before: 'same', after: 'same', afterSensitive: true }), []);
});

const listChanges = (fixture: Fixture): string[] =>
  inventoryFrom(fixture).resources.flatMap((resource) =>
    findChanges(resource).map(
      ({ path, before, after, forcesReplacement }) =>
        `${forcesReplacement ? '! ' : ''}${path}: ${before} -> ${after}`,
    ),
  );

test('what forces the replacement comes first, and what AWS computes is left out', () => {
  const fixture = replaced(
    'aws_subnet.a',
    { id: 'subnet-1', arn: 'arn:1', tags: { Name: 'a' }, cidr_block: '10.0.0.0/20' },
    { tags: { Name: 'b' }, cidr_block: '10.1.0.0/20' },
    { unknown: { id: true, arn: true }, replacePaths: [['cidr_block']] },
  );
  assert.deepEqual(listChanges(fixture), ['! cidr_block: 10.0.0.0/20 -> 10.1.0.0/20', 'tags.Name: a -> b']);
});

test('an attribute that the code sets to a new reference names it', () => {
  const fixture = replaced(
    'aws_subnet.a',
    { vpc_id: 'vpc-1' },
    {},
    { unknown: { vpc_id: true }, declared: { vpc_id: '${aws_vpc.main.id}' }, replacePaths: [['vpc_id']] },
  );
  assert.deepEqual(listChanges(fixture), ['! vpc_id: vpc-1 -> (known after apply: aws_vpc.main.id)']);
});

test('a policy that is only known at apply is compared inside, as the code has it', () => {
  const statement = (resource: string) => ({
    Statement: [{ Sid: 'Read', Action: 's3:Get', Resource: resource }],
  });
  const fixture = updated(
    'aws_iam_role_policy.read',
    { policy: JSON.stringify(statement('arn:1')) },
    {},
    { unknown: { policy: true }, declared: { policy: JSON.stringify(statement('${aws_s3_bucket.b.arn}')) } },
  );
  assert.deepEqual(listChanges(fixture), [
    'policy.Statement[Read].Resource: arn:1 -> (known after apply: aws_s3_bucket.b.arn)',
  ]);
});

test('a tag is listed once, although the provider lists it twice', () => {
  const [before, after] = [{ team: 'a' }, { team: 'b' }];
  assert.deepEqual(
    listChanges(
      updated('aws_vpc.main', { tags: before, tags_all: before }, { tags: after, tags_all: after }),
    ),
    ['tags.team: a -> b'],
  );
});

test('what AWS fills in is left out, at any depth; what was removed from the code is not', () => {
  const fixture = replaced(
    'aws_sagemaker_domain.d',
    { settings: [{ groups: ['sg-1'], home: null }], netmask: 0, description: 'old' },
    { settings: [{}], netmask: null, description: null },
    {
      unknown: { settings: [{ groups: true, home: true }] },
      declared: { settings: { groups: ['${aws_security_group.g.id}'] } },
    },
  );
  assert.deepEqual(listChanges(fixture), [
    'settings.groups: sg-1 -> (known after apply)',
    'description: old -> (none)',
  ]);
});

test('of two long texts only the part that differs is shown, with a little around it', () => {
  const text = (middle: string) => `${'a'.repeat(200)}${middle}${'b'.repeat(200)}`;
  const { before, after } = excerpts({ path: 'x', before: text('OLD'), after: text('NEWER') });
  assert.match(before, /^…a{24}OLDb{24}…$/);
  assert.match(after, /^…a{24}NEWERb{24}…$/);
});

test('short texts are shown whole', () => {
  assert.deepEqual(excerpts({ path: 'x', before: '512', after: '1024' }), { before: '512', after: '1024' });
});

test('the same change at many places of a list is described once', () => {
  const change = (path: string, after = 'b') => ({ path, before: 'a', after, forcesReplacement: false });
  assert.deepEqual(
    changeList([change('w[1].m[0]'), change('w[2].m[5]'), change('w[3].m[0]', 'c')]).split('\n'),
    ['  - `w[1].m[0]` (and 1 more place like it): `a` → `b`', '  - `w[3].m[0]`: `a` → `c`'],
  );
});

test('very many changes are folded', () => {
  const many = Array.from({ length: 31 }, (_, index) => ({
    path: `key${index}`,
    before: 'a',
    after: 'b',
    forcesReplacement: false,
  }));
  assert.match(changeList(many), /<summary>31 changes<\/summary>/);
});
