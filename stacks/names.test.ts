import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfiguration } from './config/load.ts';
import { type Names, resourceNames } from './names.ts';

const named = (env: NodeJS.ProcessEnv = {}): Names => resourceNames(loadConfiguration({ context: {}, env }));

/** The longest names that the configuration allows. */
const LONGEST = named({
  BLOOMSTACK_NAME_PREFIX: 'abcdefghij',
  BLOOMSTACK_NAME_SUFFIX: 'klmnop',
  BLOOMSTACK_BUCKET_SUFFIX: 'q'.repeat(30),
});

const nameEntries = (tree: object): readonly (readonly [string, string])[] =>
  Object.entries(tree).flatMap(([key, value]) => {
    if (typeof value === 'string') return [[key, value] as const];
    return typeof value === 'object' && value !== null ? nameEntries(value) : [];
  });

test('a suffix makes every name of a deployment its own', () => {
  // The container's name within the task is not the name of a resource.
  const ownNames = (names: Names) =>
    nameEntries(names).flatMap(([key, name]) => (key === 'image' ? [] : name));
  const taken = new Set(ownNames(named()));
  for (const name of ownNames(named({ BLOOMSTACK_NAME_SUFFIX: 'two' })))
    assert.ok(!taken.has(name), `${name} is taken`);
});

/** The maximum length of names in AWS, by patterns of their keys in our tree; the first match counts. */
const LIMITS: readonly (readonly [key: RegExp, longest: number])[] = [
  [/^(loadBalancer|targetGroup)$/, 32],
  [/LogGroup$|^logGroup$/, 512],
  [/Role$/, 64],
  [/./, 63],
];

test('no name is longer than AWS accepts, and no bucket has one that S3 refuses', () => {
  for (const [key, name] of nameEntries(LONGEST)) {
    const [, longest = 0] = LIMITS.find(([kind]) => kind.test(key)) ?? [];
    assert.ok(name.length <= longest, `${key}: ${name}`);
  }
  for (const [, name] of nameEntries(LONGEST.buckets)) assert.match(name, /^[a-z0-9][a-z0-9-]+[a-z0-9]$/);
});
