import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, type Sides } from './differences.ts';

const told = (sides: Sides): string[] =>
  differences(sides, 'x').map(({ path, before, after }) => `${path}: ${before} -> ${after}`);

test('JSON in a text is compared inside, and items with a name are found in whatever order', () => {
  const definition = (memory: number, environment: readonly object[]): string =>
    JSON.stringify([{ name: 'app', memory, environment, essential: true }]);
  assert.deepEqual(
    told({
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

test('what is removed is told, with its place', () => {
  assert.deepEqual(
    told({
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
  assert.deepEqual(told({ before: { a: null, b: [], c: '', d: { e: null } }, after: {} }), []);
  assert.deepEqual(told({ before: '{"Action":"s3:Get"}', after: '{"Action":["s3:Get"]}' }), []);
});

test('false and zero are values', () => {
  assert.deepEqual(told({ before: { a: true, b: 1 }, after: { a: false, b: 0 } }), [
    'x.a: true -> false',
    'x.b: 1 -> 0',
  ]);
  assert.deepEqual(told({ before: { a: false }, after: {} }), ['x.a: false -> (none)']);
});

test('of a list of values only what comes and goes is told; a new order is told whole', () => {
  assert.deepEqual(told({ before: ['a', 'b'], after: ['b', 'c'] }), ['x: a -> c']);
  assert.deepEqual(told({ before: ['a', 'b'], after: ['b', 'a'] }), ['x: a, b -> b, a']);
  assert.deepEqual(told({ before: ['a'], after: [] }), ['x: a -> (none)']);
});

test('a block that there is once is not numbered; several are', () => {
  assert.deepEqual(told({ before: [{ cpu: 'X86_64' }], after: [{ cpu: 'ARM64' }] }), [
    'x.cpu: X86_64 -> ARM64',
  ]);
  assert.deepEqual(told({ before: [{ n: 1 }, { n: 2 }], after: [{ n: 1 }, { n: 3 }] }), ['x[1].n: 2 -> 3']);
});

test('what is only known at apply is said to be so, also inside', () => {
  assert.deepEqual(told({ before: 'vpc-1', after: undefined, unknown: true }), [
    'x: vpc-1 -> (known after apply)',
  ]);
  assert.deepEqual(
    told({
      before: [{ type: 'forward', target: 'tg-1' }],
      after: [{ type: 'forward' }],
      unknown: [{ target: true }],
    }),
    ['x.target: tg-1 -> (known after apply)'],
  );
});

test('a secret that changes is told without its values, at any depth', () => {
  const sides = { before: { user: 'a', password: 'old' }, after: { user: 'a', password: 'new' } };
  assert.deepEqual(
    told({ ...sides, afterSensitive: { password: true }, beforeSensitive: { password: true } }),
    ['x.password: (sensitive value) -> (sensitive value)'],
  );
  assert.deepEqual(told({ ...sides, afterSensitive: true }), ['x: (sensitive value) -> (sensitive value)']);
  assert.deepEqual(told({ before: 'same', after: 'same', afterSensitive: true }), []);
});
