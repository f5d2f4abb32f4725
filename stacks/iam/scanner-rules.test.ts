import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { synthesizedStack } from '../synthesized-stack.ts';

/**
 * Rules of Checkov (CKV), Trivy (AVD) and Security Hub's foundational controls (all others), by the type of resource that
 * they concern. `has`: arguments by path, with a value, any ("*"), any but one, or a number at least; `joined`: a resource
 * of that type refers to it. What policies may allow is held by least-privilege.test.ts.
 */
const expected = z.union([
  z.string(),
  z.boolean(),
  z.strictObject({ not: z.string() }),
  z.strictObject({ atLeast: z.number() }),
]);
const rule = z.strictObject({
  ids: z.array(z.string()).min(1),
  about: z.string(),
  has: z.record(z.string(), expected).optional(),
  joined: z.string().optional(),
});
const RULES = z
  .record(z.string(), z.array(rule))
  .parse(JSON.parse(readFileSync(new URL('scanner-rules.json', import.meta.url), 'utf8')));

const anything = z.record(z.string(), z.unknown());

/** The value at a path; texts that are JSON are read too. */
const valueAt = (value: unknown, [name, ...names]: readonly string[]): unknown => {
  if (name === undefined) return value;
  const inner: unknown = typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value;
  return valueAt(anything.safeParse(Array.isArray(inner) ? { ...inner } : inner).data?.[name], names);
};

const meets = (value: unknown, wanted: z.infer<typeof expected>): boolean => {
  if (wanted === '*') return value !== undefined;
  if (typeof wanted !== 'object') return value === wanted;
  return 'not' in wanted ? value !== wanted.not : Number(value) >= wanted.atLeast;
};

const stacks = (['default', 'full', 'minimal'] as const).map((name) => synthesizedStack(name));

/** Ids of the rules that some resource of the stacks fails. */
const failed = new Set(
  stacks.flatMap((stack) =>
    stack.addresses.flatMap((address) => {
      const [type = ''] = address.split('.');
      return (RULES[type] ?? []).flatMap(({ ids, has = {}, joined }) => {
        const isJoined = () => JSON.stringify(stack.ofType(joined ?? '')).includes(`\${${address}.`);
        const holds =
          Object.entries(has).every(([path, wanted]) =>
            meets(valueAt(stack.get(address), path.split('.')), wanted),
          ) &&
          (joined === undefined || isJoined());
        return holds ? [] : ids;
      });
    }),
  ),
);

test('the scanner rules of every resource type in the stack are checked', () => {
  const types = new Set(
    stacks.flatMap((stack) => stack.addresses.map((address) => address.split('.')[0] ?? '')),
  );
  assert.deepEqual(Object.keys(RULES).sort(), [...types].sort());
});

test('docs/security.md gives a reason for every failed rule, and for no other', () => {
  const document = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const listed = document
    .split('\n')
    .flatMap((line) =>
      line.startsWith('| `') ? [...(line.split('|')[1] ?? '').matchAll(/`([\w-]+(?:\.\d+)?)`/g)] : [],
    )
    .map(([, id]) => id);
  assert.deepEqual(listed.sort(), [...failed].sort());
});
