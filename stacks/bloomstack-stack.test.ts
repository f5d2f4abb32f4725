import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { synthesizedStack } from './synthesized-stack.ts';

const GOLDEN = new URL('./addresses.golden.txt', import.meta.url);

test('resources keep their addresses; a changed address replaces the resource', () => {
  const addresses = `${synthesizedStack().addresses.join('\n')}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, addresses);
  assert.equal(
    addresses,
    readFileSync(GOLDEN, 'utf8'),
    'If this change is meant: UPDATE_GOLDEN=1 node --import tsx --test stacks/bloomstack-stack.test.ts',
  );
});

test('names do not change the addresses, so renaming never re-addresses', () => {
  const renamed = new Set(synthesizedStack('full').addresses);
  assert.deepEqual(
    synthesizedStack().addresses.filter((address) => !renamed.has(address)),
    [],
  );
});

test('the state is a file in the project, by a path that is the same on every machine', () => {
  assert.deepEqual(synthesizedStack().terraform.backend, {
    local: { path: '../../../terraform.bloomstack-dev.123456789012.ap-northeast-2.tfstate' },
  });
});

test('the state can be in a bucket, encrypted and locked', () => {
  assert.deepEqual(synthesizedStack('full').terraform.backend, {
    s3: {
      bucket: 'states',
      key: 'bloomstack-prod-flower-two/123456789012/ap-northeast-2/terraform.tfstate',
      region: 'ap-northeast-2',
      encrypt: true,
      use_lockfile: true,
    },
  });
});

test('the synthesized stack holds no path of this machine and no secret', () => {
  const { text } = synthesizedStack();
  assert.ok(text.includes('app-web-alb'));
  assert.ok(!text.includes(process.cwd()));
  assert.doesNotMatch(text, /AKIA[0-9A-Z]{16}|secret_key|BEGIN [A-Z ]*PRIVATE KEY/);
});

const ROOT = new URL('../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

const rows = [...read('docs/resources.md').matchAll(/\| `(aws_[\w.-]+)` \| `([\w./-]+)`: (.+) \|$/gm)].map(
  ([, address = '', file = '', title = '']) => ({ address, file, title }),
);

/** The texts of a file, among them the titles of its tests, as patterns, because some contain values. */
const textsOf = (file: string): RegExp[] =>
  [...read(file).matchAll(/(['"`])((?:\\.|(?!\1)[^\\\n])*)\1/g)].flatMap(([, , text = '']) => {
    if (!text.includes(' ')) return [];
    const parts = text.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/);
    return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`);
  });

test('the table of docs/resources.md names resources and tests that exist', () => {
  assert.ok(rows.length > 45, `${rows.length} rows`);
  const { addresses } = synthesizedStack();
  for (const { address, file, title } of rows) {
    assert.ok(addresses.includes(address), `${address} is not in the stack`);
    assert.ok(
      textsOf(file).some((pattern) => pattern.test(title)),
      `${file} has no test "${title}"`,
    );
  }
});
