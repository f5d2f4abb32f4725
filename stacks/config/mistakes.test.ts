import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { FIELD_OF_PATH } from './fields.ts';
import { ConfigurationError, loadConfiguration, readContext } from './load.ts';

const refusal = (read: () => unknown): ConfigurationError => {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted.');
};

const refusedConfiguration = (bloomstack: unknown, env: NodeJS.ProcessEnv = {}): ConfigurationError =>
  refusal(() => loadConfiguration({ context: { bloomstack }, env }));

const IN_ALL = 'cdktf.json, context.bloomstack.all';

/** What is in the context, and the line that reports it without its beginning. */
const MISTAKES: readonly (readonly [bloomstack: unknown, problem: string])[] = [
  [
    { all: { web: { memmory: 2048 } } },
    `unknown field web.memmory (${IN_ALL}.web.memmory), did you mean web.memory?`,
  ],
  [
    { region: 'eu-west-1' },
    'cdktf.json, context.bloomstack.region is unknown, write a field in context.bloomstack.all or in context.bloomstack.environments.<environment>.',
  ],
  [
    { environments: { staging: {} } },
    'cdktf.json, context.bloomstack.environments.staging is an unknown environment, give dev or prod.',
  ],
  [
    { all: { environment: 'prod' } },
    `environment (${IN_ALL}.environment) cannot be chosen there, write it in cdktf.json, context.bloomstack.environment.`,
  ],
  ['dev', 'cdktf.json, context.bloomstack is not an object, give one as in docs/configuration.md.'],
  [{ all: { web: 7 } }, `${IN_ALL}.web is 7: give an object of fields.`],
  [
    { all: { web: { minTasks: 5 } } },
    `web.minTasks (${IN_ALL}.web.minTasks) is 5: that is above maxTasks (4), lower it or raise maxTasks.`,
  ],
  [
    { all: { account: 123456789012 } },
    `account (${IN_ALL}.account) is 123456789012: give a string in quotation marks, such as "000000000000".`,
  ],
  [
    { all: { network: { zones: 'a,c' } } },
    `network.zones (${IN_ALL}.network.zones) is "a,c": give a list of strings, such as ["a","c"].`,
  ],
];

for (const [bloomstack, problem] of MISTAKES)
  test(`one line reports: ${problem}`, () =>
    assert.equal(refusedConfiguration(bloomstack).message, `The configuration is wrong: ${problem}`));

const CERTIFICATE = 'arn:aws:acm:ap-northeast-2:123456789012:certificate/0a1b';
for (const [env, problem] of [
  [{ WEB_MEMMORY: '1' }, 'unknown variable BLOOMSTACK_WEB_MEMMORY, did you mean BLOOMSTACK_WEB_MEMORY?'],
  [{ ENVIRONMENT: 'staging' }, 'environment (BLOOMSTACK_ENVIRONMENT) is "staging": give dev or prod'],
  [{ HTTPS_DOMAIN: 'flowers.example.com' }, /^https\.hostedZoneId \(default\) is "": .* needs a certificate/],
  [{ HTTPS_HOSTED_ZONE_ID: 'Z1' }, /^https\.domain \(default\) is "": .* give the name that people use/],
  [
    { HTTPS_CERTIFICATE_ARN: CERTIFICATE },
    /^https\.domain .*certificateArn is set, give the name that people/,
  ],
  [{ SOURCE_PROVIDER: 'github' }, /^source\.repository \(default\) is "": .* github, give owner\/name$/],
  [
    { NETWORK_PUBLIC_SUBNETS: '10.0.128.0/20,10.0.0.0/20' },
    /^network\.privateSubnets .* default .* overlaps/,
  ],
] as const)
  test(`variables are wrong: ${JSON.stringify(env)}`, () => {
    const named = Object.entries(env).map(([name, text]) => [`BLOOMSTACK_${name}`, text]);
    const [found = ''] = refusedConfiguration({}, Object.fromEntries(named)).problems;
    if (typeof problem === 'string') assert.equal(found, problem);
    else assert.match(found, problem);
  });

describe("a variable's value that breaks a rule is reported with the rule", () => {
  const domain = { BLOOMSTACK_HTTPS_DOMAIN: 'flowers.example.com' };
  const certificate = 'arn:aws:acm:us-east-1:123456789012:certificate/0a1b';
  for (const [path, value, rule, others = {}] of [
    ['learning.trainingInstanceType', 'ml.p3.2xlarge', /retired, take ml.g4dn.xlarge/],
    ['learning.trainingInstanceType', 't3.large', /give a SageMaker instance type, such as ml.m5.large/],
    ['learning.trainingInstanceType', 'ml.m5.large', /training needs a GPU, .* such as ml.g4dn.xlarge/],
    ['learning.endpointInstanceType', 'ml.c7g.large', /Arm instance .* take one such as ml.m5.large/],
    ['https.certificateArn', certificate, /ap-northeast-2 takes certificates of that region only/, domain],
    ['observability.logRetentionDays', 31, /has no such retention, give one of 1, 3, 5/],
    ['web.memory', 4096, /allows 512 or multiples of 1024 up to 2048 MiB$/, { BLOOMSTACK_WEB_CPU: '256' }],
    ['web.cpu', 300, /no such size, give one of 256, 512/],
    ['account', '1234', /give the 12 digits/],
    ['region', 'us-east-9', /no such region.* by name is us-east-1; set anyRegion to true if it is new/],
    ['web.memory', '2 GB', /give a whole number, such as 1024/],
    ['learning.minAccuracy', 90, /give a number from 0 to 1, such as 0.9/],
    ['learning.studio', 'yes', /give true or false/],
    ['network.nat', 'two', /give one or per-zone/],
    ['bucketSuffix', 'garden-', /neither begin nor end with a hyphen/],
    ['network.zones', ['a'], /give two suffixes such as a,c/],
    ['network.zones', ['a', 'a'], /named twice, name each once/],
    ['network.zones', ['a', 'us-east-1b'], /"us-east-1b" is wrong, give the suffix/],
    ['network.cidr', '10.0.0.1/16', /such as 10.0.0.0\/16/],
    ['network.cidr', '10.0.0.0/8', /between \/16 and \/20/],
    ['network.allowedCidrs', ['10.0.0.0/8', '192.168.1/24'], /"192.168.1\/24" is wrong/],
    ['network.publicSubnets', ['10.0.0.0/20', '10.0.8.0/21'], /0.8.0\/21 overlaps the subnet 10.0.0.0\/20/],
    ['network.privateSubnets', ['10.0.128.0/20', '10.1.0.0/20'], /10.1.0.0\/20 is outside the VPC/],
    ['network.privateSubnets', ['10.0.128.0/20'], /1 for 2 Availability Zones \(a, c\)/],
    ['network.privateSubnets', ['10.0.128.0/20', '10.0.160.0/29'], /too small, AWS needs \/28 or larger/],
  ] satisfies readonly (readonly [string, string | number | string[], RegExp, NodeJS.ProcessEnv?])[])
    test(`${path}: ${value}`, () => {
      const variable = FIELD_OF_PATH.get(path)?.variable ?? '';
      const { problems } = refusedConfiguration({}, { ...others, [variable]: String(value) });
      assert.equal(problems.length, 1);
      assert.ok(problems[0]?.startsWith(`${path} (${variable}) is ${JSON.stringify(value)}: `), problems[0]);
      assert.match(problems[0] ?? '', rule);
    });
});

test('several problems are in one line, one for each field', () => {
  const { message, problems } = refusedConfiguration(undefined, {
    BLOOMSTACK_REGION: 'Seoul',
    BLOOMSTACK_NETWORK_ZONES: 'A,1',
    BLOOMSTACK_ACCOUNT: 'a\nb',
  });
  assert.equal(problems.length, 3);
  assert.equal(message.split('\n').length, 1);
  assert.match(message, /; account \(BLOOMSTACK_ACCOUNT\) is "a\\nb": /);
  assert.match(message, /"A" is wrong, [^;]*, and "1" is wrong/);
});

test('one line says why a context cannot be read', (t) => {
  const file = path.join(temporaryFolder(t), 'cdktf.json');
  const passed = { CDKTF_CONTEXT_JSON: 'bloomstack' };
  for (const [text, env, problem] of [
    [undefined, {}, /cdktf\.json cannot be read \(.*ENOENT.*\), fix it as docs\/configuration\.md shows\.$/],
    ['{"context": {', {}, /cdktf\.json cannot be read \(.*JSON.*\), fix it/],
    ['{"context": []}', {}, /cdktf\.json cannot be read \(.*record.* at context\), fix it/],
    ['{}', passed, /CDKTF_CONTEXT_JSON cannot be read \(.*JSON.*\), unset it/],
  ] as const) {
    if (text !== undefined) writeFileSync(file, text);
    assert.match(refusal(() => readContext(env, file)).message, problem);
  }
});
