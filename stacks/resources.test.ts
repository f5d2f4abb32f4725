import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { synthesize } from './testing.ts';

const ROOT = new URL('../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

const rows = [...read('docs/resources.md').matchAll(/\| `(aws_[\w.-]+)` \| `([\w./-]+)`: (.+) \|$/gm)].map(
  ([, address = '', file = '', title = '']) => ({ address, file, title }),
);

/** The titles of a file's tests, as patterns, because some are made from values. */
const titlesOf = (file: string): RegExp[] =>
  [...read(file).matchAll(/\btest\(\s*(['"`])(.*?)\1,/gs)].map(([, , title = '']) => {
    const parts = title
      .split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.+')}$`);
  });

test('the table of docs/resources.md names resources and tests that exist', () => {
  assert.ok(rows.length > 45, `${rows.length} rows`);
  const { addresses } = synthesize();
  for (const { address, file, title } of rows) {
    assert.ok(addresses.includes(address), `${address} is not in the stack`);
    assert.ok(
      titlesOf(file).some((pattern) => pattern.test(title)),
      `${file} has no test "${title}"`,
    );
  }
});
