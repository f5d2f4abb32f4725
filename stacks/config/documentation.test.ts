import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationDocument, EXAMPLE_CONTEXT, EXAMPLE_VARIABLES } from './documentation.ts';
import { FIELD_OF_VARIABLE, FIELDS } from './fields.ts';
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

test("a field's variable is its path in upper snake case", () => {
  const variableOf = (path: string) => FIELDS.find((field) => field.path === path)?.variable;
  assert.equal(variableOf('environment'), 'BLOOMSTACK_ENVIRONMENT');
  assert.equal(variableOf('network.cidr'), 'BLOOMSTACK_NETWORK_CIDR');
  assert.equal(variableOf('observability.alarmEmail'), 'BLOOMSTACK_OBSERVABILITY_ALARM_EMAIL');
  assert.equal(variableOf('network.allowedCidrs'), 'BLOOMSTACK_NETWORK_ALLOWED_CIDRS');
});

test('no two fields share a variable, and each is described', () => {
  assert.equal(FIELD_OF_VARIABLE.size, FIELDS.length);
  for (const { path, description } of FIELDS) assert.match(description, /\.$/, path);
});

test('the fields are exactly those of a configuration', () => {
  const config = loadConfiguration({ context: {}, env: {} });
  const paths = Object.entries(config).flatMap(([name, value]) =>
    typeof value === 'object' ? Object.keys(value).map((inner) => `${name}.${inner}`) : name,
  );
  assert.deepEqual(
    FIELDS.map(({ path }) => path),
    paths,
  );
});

test('every field can be set by its variable, to what it is by default', () => {
  const texts = FIELDS.map(({ variable, default: value }) => [
    variable,
    Array.isArray(value) ? value.join(',') : String(value),
  ]);
  assert.deepEqual(
    loadConfiguration({ context: {}, env: Object.fromEntries(texts) }),
    loadConfiguration({ context: {}, env: {} }),
  );
});
