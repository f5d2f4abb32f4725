import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { updateConfigurationDocument } from './documentation.ts';
import { FIELD_OF_VARIABLE, FIELDS } from './fields.ts';
import { loadConfiguration, readContext } from './load.ts';

const load = (bloomstack: unknown, env: NodeJS.ProcessEnv = {}) =>
  loadConfiguration({ context: { bloomstack }, env });
const DEFAULTS = loadConfiguration({ context: {}, env: {} });

test('other fields in the context and the environment are left alone', () => {
  const context = { excludeStackIdFromLogicalIds: 'true' };
  const env = { PATH: '/bin', AWS_REGION: 'eu-west-1' };
  assert.deepEqual(loadConfiguration({ context, env }), DEFAULTS);
});

test('every layer takes precedence over the ones before it, field by field', () => {
  const layers = {
    environment: 'prod',
    all: { network: { nat: 'one', cidr: '10.1.0.0/16' }, web: { memory: 2048 } },
  };
  const own = { ...layers, environments: { prod: { network: { cidr: '10.2.0.0/16' } } } };
  const variables = {
    BLOOMSTACK_NETWORK_CIDR: '10.3.0.0/16',
    BLOOMSTACK_OBSERVABILITY_LOG_RETENTION_DAYS: '7',
  };
  for (const [context, env, ...outcome] of [
    [{ environment: 'prod' }, {}, 90, 'per-zone', '10.0.0.0/16', 1024],
    [layers, {}, 90, 'one', '10.1.0.0/16', 2048],
    [own, {}, 90, 'one', '10.2.0.0/16', 2048],
    [own, variables, 7, 'one', '10.3.0.0/16', 2048],
  ] as const) {
    const { network, web, observability } = load(context, env);
    assert.deepEqual([observability.logRetentionDays, network.nat, network.cidr, web.memory], outcome);
  }
});

test('the environment comes from the variable, else the context, else is dev, and brings its defaults', () => {
  for (const [context, env, environment, deletionProtection] of [
    [{}, {}, 'dev', false],
    [{ environment: 'prod' }, {}, 'prod', true],
    [{ environment: 'prod' }, { BLOOMSTACK_ENVIRONMENT: 'dev' }, 'dev', false],
  ] as const) {
    const config = load(context, env);
    assert.deepEqual([config.environment, config.deletionProtection], [environment, deletionProtection]);
    const { firewallLogs, flowLogs, bucketLogs, sharedLogGroups } = config.observability;
    const traces = [firewallLogs, flowLogs, bucketLogs, sharedLogGroups];
    assert.deepEqual(
      traces,
      traces.map(() => environment === 'prod'),
    );
  }
});

test("a variable's text is read by the field's type; one that is empty counts as not set", () => {
  const { account, web, learning, deletionProtection, network, observability, environment } = load(
    { all: { web: { memory: 2048 } } },
    {
      BLOOMSTACK_ACCOUNT: '012345678901',
      BLOOMSTACK_REGION: 'us-east-9',
      BLOOMSTACK_ANY_REGION: 'true',
      BLOOMSTACK_WEB_CPU: '1024',
      BLOOMSTACK_WEB_MEMORY: '',
      BLOOMSTACK_LEARNING_MIN_ACCURACY: '0.95',
      BLOOMSTACK_LEARNING_STUDIO: 'false',
      BLOOMSTACK_DELETION_PROTECTION: 'true',
      BLOOMSTACK_NETWORK_ZONES: 'a, b,c',
      BLOOMSTACK_OBSERVABILITY_ALARM_EMAIL: 'ops@example.com',
      BLOOMSTACK_ENVIRONMENT: '',
    },
  );
  assert.deepEqual(
    [account, web.cpu, web.memory, learning.minAccuracy, learning.studio, deletionProtection, environment],
    ['012345678901', 1024, 2048, 0.95, false, true, 'dev'],
  );
  assert.deepEqual([network.zones, observability.alarmEmail], [['a', 'b', 'c'], 'ops@example.com']);
});

test('the context comes from cdktf-cli, else from the file, which may lack it', (t) => {
  const file = path.join(temporaryFolder(t), 'cdktf.json');
  const passed = { CDKTF_CONTEXT_JSON: '{"bloomstack": {"all": {}}}' };
  for (const [text, env, context] of [
    ['{"app": "main.ts", "context": {"bloomstack": {"environment": "prod"}}}', {}, { environment: 'prod' }],
    ['{"app": "main.ts", "context": {"bloomstack": {"environment": "prod"}}}', passed, { all: {} }],
    ['{"app": "main.ts"}', {}, undefined],
  ] as const) {
    writeFileSync(file, text);
    assert.deepEqual(readContext(env, file)['bloomstack'], context);
  }
  assert.doesNotThrow(() => loadConfiguration({ context: readContext({}), env: {} }), "the project's own");
});

const DOCUMENT = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

test('the table in docs/configuration.md matches the schema, with a row for each field', () => {
  assert.ok(
    DOCUMENT === updateConfigurationDocument(DOCUMENT),
    'docs/configuration.md is out of date; update it with: node --import tsx scripts/configuration-docs.ts --write',
  );
  const rows = DOCUMENT.split('\n').filter((line) => line.startsWith('| `'));
  assert.deepEqual(
    rows.map((row) => row.split('`').slice(1, 4)),
    FIELDS.map(({ path, variable }) => [path, ' | ', variable]),
  );
});

test("the documentation's examples load", () => {
  const block = (language: string) => DOCUMENT.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(block('json')));
  const variables = [...block('sh').matchAll(/(BLOOMSTACK_\w+)=(\S+)/g)].map(([, name, text]) => [
    name,
    text,
  ]);
  assert.equal(loadConfiguration({ context, env: {} }).nameSuffix, 'dev');
  const { web, network } = loadConfiguration({ context, env: Object.fromEntries(variables) });
  assert.deepEqual([web.minTasks, web.maxTasks, network.zones], [3, 20, ['a', 'c']]);
});

test('the fields are exactly those of a configuration; each is described, with a variable that sets it', () => {
  const paths = Object.entries(DEFAULTS).flatMap(([name, value]) =>
    typeof value === 'object' ? Object.keys(value).map((inner) => `${name}.${inner}`) : name,
  );
  assert.deepEqual(
    FIELDS.map(({ path }) => path),
    paths,
  );
  assert.equal(FIELD_OF_VARIABLE.size, FIELDS.length);
  for (const { path, description } of FIELDS) assert.match(description, /\.$/, path);
  const texts = FIELDS.map(({ variable, default: value }) => [
    variable,
    Array.isArray(value) ? value.join(',') : String(value),
  ]);
  assert.deepEqual(loadConfiguration({ context: {}, env: Object.fromEntries(texts) }), DEFAULTS);
});
