import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { configurationDocument, EXAMPLE_CONTEXT, EXAMPLE_VARIABLES } from './documentation.ts';
import { FIELD_OF_VARIABLE, FIELDS } from './fields.ts';
import { ENVIRONMENT_DEFAULTS, loadConfiguration, readContext } from './load.ts';

const load = (bloomstack: unknown, env: NodeJS.ProcessEnv = {}) =>
  loadConfiguration({ context: { bloomstack }, env });

test('without a choice everything is as the schema says, for dev', () => {
  const { environment, region, network, web, deletionProtection } = loadConfiguration({
    context: {},
    env: {},
  });
  assert.deepEqual(
    [environment, region, network.zones, web.memory, deletionProtection, network.nat],
    ['dev', 'ap-northeast-2', ['a', 'c'], 1024, false, 'one'],
  );
});

test('what is not our field in the context and the environment is left alone', () => {
  const config = loadConfiguration({
    context: { excludeStackIdFromLogicalIds: 'true' },
    env: { PATH: '/bin', AWS_REGION: 'eu-west-1' },
  });
  assert.deepEqual(config, loadConfiguration({ context: {}, env: {} }));
});

test('prod has defaults of its own over those of the schema', () => {
  const { deletionProtection, network, learning, observability, web } = load({ environment: 'prod' });
  const { endpointMinInstances, endpointMaxInstances } = learning;
  assert.deepEqual(
    {
      deletionProtection,
      network: { nat: network.nat },
      learning: { endpointMinInstances, endpointMaxInstances },
      observability: { logRetentionDays: observability.logRetentionDays },
    },
    ENVIRONMENT_DEFAULTS.prod,
  );
  assert.equal(network.cidr, '10.0.0.0/16', 'the other fields of a section stay');
  assert.equal(web.minTasks, 2);
});

test('every layer takes precedence over the ones before it, field by field', () => {
  const layers = {
    environment: 'prod',
    all: { network: { nat: 'one', cidr: '10.1.0.0/16' }, web: { memory: 2048 } },
  };
  const own = { ...layers, environments: { prod: { network: { cidr: '10.2.0.0/16' } } } };
  const outcome = ({ network, web, observability }: ReturnType<typeof load>) => [
    observability.logRetentionDays,
    network.nat,
    network.cidr,
    web.memory,
  ];
  assert.deepEqual(outcome(load({ environment: 'prod' })), [90, 'per-zone', '10.0.0.0/16', 1024]);
  assert.deepEqual(outcome(load(layers)), [90, 'one', '10.1.0.0/16', 2048]);
  assert.deepEqual(outcome(load(own)), [90, 'one', '10.2.0.0/16', 2048]);
  const variables = {
    BLOOMSTACK_NETWORK_CIDR: '10.3.0.0/16',
    BLOOMSTACK_OBSERVABILITY_LOG_RETENTION_DAYS: '7',
  };
  assert.deepEqual(outcome(load(own, variables)), [7, 'one', '10.3.0.0/16', 2048]);
});

test('a list is replaced, not joined', () => {
  const bloomstack = {
    all: { network: { zones: ['a', 'b', 'c'] } },
    environments: { dev: { network: { zones: ['b', 'c'] } } },
  };
  assert.deepEqual(load(bloomstack).network.zones, ['b', 'c']);
});

test("the other environment's part of the context is not used", () => {
  const bloomstack = { environments: { prod: { region: 'eu-west-1' } } };
  assert.equal(load(bloomstack).region, 'ap-northeast-2');
});

test('the environment is the variable, or else the context, or else dev', () => {
  assert.equal(load({}).environment, 'dev');
  assert.equal(load({ environment: 'prod' }).environment, 'prod');
  const config = load({ environment: 'prod' }, { BLOOMSTACK_ENVIRONMENT: 'dev' });
  assert.equal(config.environment, 'dev');
  assert.equal(config.deletionProtection, false, 'its defaults come with it');
});

test("a variable's text is read by the field's type", () => {
  const config = load(undefined, {
    BLOOMSTACK_ACCOUNT: '012345678901',
    BLOOMSTACK_WEB_MEMORY: '2048',
    BLOOMSTACK_LEARNING_MIN_ACCURACY: '0.95',
    BLOOMSTACK_LEARNING_STUDIO: 'false',
    BLOOMSTACK_DELETION_PROTECTION: 'true',
    BLOOMSTACK_NETWORK_ZONES: 'a, b,c',
    BLOOMSTACK_OBSERVABILITY_ALARM_EMAIL: 'ops@example.com',
  });
  const { account, web, learning, deletionProtection, network, observability } = config;
  assert.deepEqual(
    [account, web.memory, learning.minAccuracy, learning.studio, deletionProtection, network.zones],
    ['012345678901', 2048, 0.95, false, true, ['a', 'b', 'c']],
  );
  assert.equal(observability.alarmEmail, 'ops@example.com');
});

test('a variable that is set but empty counts as not set', () => {
  const config = load(
    { all: { web: { memory: 2048 } } },
    { BLOOMSTACK_WEB_MEMORY: '', BLOOMSTACK_ENVIRONMENT: '' },
  );
  assert.equal(config.web.memory, 2048);
  assert.equal(config.environment, 'dev');
});

test('HTTPS with a certificate of the region, and GitHub with a repository, are allowed', () => {
  const certificateArn = 'arn:aws:acm:ap-northeast-2:123456789012:certificate/0a1b';
  const connectionArn = 'arn:aws:codeconnections:ap-northeast-2:123456789012:connection/0a1b';
  const config = load({
    all: {
      https: { certificateArn, domain: 'flowers.example.com', hostedZoneId: 'Z0123456789ABC' },
      source: { provider: 'github', repository: 'owner/name', connectionArn },
    },
  });
  assert.equal(config.https.domain, 'flowers.example.com');
  assert.equal(config.source.repository, 'owner/name');
});

test("the project's own cdktf.json holds a context that loads", () => {
  const context = readContext({});
  assert.doesNotThrow(() => loadConfiguration({ context, env: {} }));
});

test('the context is what cdktf-cli passes, or else read from the file, where it may be missing', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-context-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'cdktf.json');
  writeFileSync(file, '{"app": "main.ts", "context": {"bloomstack": {"environment": "prod"}}}');
  const passed = { CDKTF_CONTEXT_JSON: '{"bloomstack": {"all": {}}}' };
  assert.deepEqual(readContext({}, file), { bloomstack: { environment: 'prod' } });
  assert.deepEqual(readContext(passed, file), { bloomstack: { all: {} } });
  writeFileSync(file, '{"app": "main.ts"}');
  assert.deepEqual(readContext({}, file), {});
});

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
  const variableName = (path: string) => FIELDS.find((field) => field.path === path)?.variable;
  assert.equal(variableName('environment'), 'BLOOMSTACK_ENVIRONMENT');
  assert.equal(variableName('network.cidr'), 'BLOOMSTACK_NETWORK_CIDR');
  assert.equal(variableName('observability.alarmEmail'), 'BLOOMSTACK_OBSERVABILITY_ALARM_EMAIL');
  assert.equal(variableName('network.allowedCidrs'), 'BLOOMSTACK_NETWORK_ALLOWED_CIDRS');
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
