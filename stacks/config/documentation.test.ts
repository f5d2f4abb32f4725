import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationDocument, EXAMPLE_CONTEXT, EXAMPLE_VARIABLES } from './documentation.ts';
import { FIELDS } from './fields.ts';
import { loadConfiguration } from './load.ts';

test('docs/configuration.md is the text that the schema gives', () => {
  const file = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  assert.ok(
    file === configurationDocument(),
    'docs/configuration.md is out of date; update it with: node --import tsx scripts/configuration-docs.ts --write',
  );
});

test('the documentation has one row for each field', () => {
  const rows = configurationDocument()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  assert.deepEqual(
    rows.map((row) => row.split('`').slice(1, 4)),
    FIELDS.map(({ path, variable }) => [path, ' | ', variable]),
  );
});

test("the documentation's examples load", () => {
  assert.equal(loadConfiguration({ context: EXAMPLE_CONTEXT, env: {} }).nameSuffix, 'dev');
  const prod = loadConfiguration({ context: EXAMPLE_CONTEXT, env: EXAMPLE_VARIABLES });
  assert.deepEqual([prod.web.minTasks, prod.web.maxTasks], [3, 20]);
  assert.deepEqual(prod.network.zones, ['a', 'c']);
});
