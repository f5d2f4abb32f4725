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

/** @param bloomstack what is in the context, and nothing is when it is undefined */
const refusedConfiguration = (bloomstack: unknown, env: NodeJS.ProcessEnv = {}): ConfigurationError =>
  refusal(() => loadConfiguration({ context: bloomstack === undefined ? {} : { bloomstack }, env }));

const IN_ALL = 'cdktf.json, context.bloomstack.all';
const NOT_IN_CONTEXT = undefined;

/** What is in the context, the line that reports it without its beginning, the variables. */
type Mistake = readonly [bloomstack: unknown, problem: string, env?: NodeJS.ProcessEnv];

const MISTAKES: readonly Mistake[] = [
  [
    { all: { web: { memmory: 2048 } } },
    `unknown field web.memmory (${IN_ALL}.web.memmory), did you mean web.memory?`,
  ],
  [
    NOT_IN_CONTEXT,
    'unknown variable BLOOMSTACK_WEB_MEMMORY, did you mean BLOOMSTACK_WEB_MEMORY?',
    { BLOOMSTACK_WEB_MEMMORY: '2048' },
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
    NOT_IN_CONTEXT,
    'environment (BLOOMSTACK_ENVIRONMENT) is "staging": give dev or prod.',
    { BLOOMSTACK_ENVIRONMENT: 'staging' },
  ],
  [
    { all: { environment: 'prod' } },
    `environment (${IN_ALL}.environment) cannot be chosen there, write it in cdktf.json, context.bloomstack.environment.`,
  ],
  ['dev', 'cdktf.json, context.bloomstack is not an object, give one as in docs/configuration.md.'],
  [{ all: [] }, `${IN_ALL} is []: give an object of fields.`],
  [
    { all: { web: { minTasks: 5 } } },
    `web.minTasks (${IN_ALL}.web.minTasks) is 5: that is above maxTasks (4), lower it or raise maxTasks.`,
  ],
  [
    NOT_IN_CONTEXT,
    'https.hostedZoneId (default) is "": https.domain is set and HTTPS needs a certificate, give the Route 53 zone in which one can be validated, or https.certificateArn.',
    { BLOOMSTACK_HTTPS_DOMAIN: 'flowers.example.com' },
  ],
  [
    NOT_IN_CONTEXT,
    'https.domain (default) is "": https.hostedZoneId is set, give the name that people use: nobody gets a certificate for the load balancer\'s own.',
    { BLOOMSTACK_HTTPS_HOSTED_ZONE_ID: 'Z1' },
  ],
  [
    NOT_IN_CONTEXT,
    'source.repository (default) is "": source.provider is github, give owner/name.',
    {
      BLOOMSTACK_SOURCE_PROVIDER: 'github',
      BLOOMSTACK_SOURCE_CONNECTION_ARN: 'arn:aws:codeconnections:ap-northeast-2:123456789012:connection/0a1b',
    },
  ],
  [
    { all: { account: 123456789012 } },
    `account (${IN_ALL}.account) is 123456789012: give a text in quotation marks, such as "000000000000".`,
  ],
  [
    { all: { network: { zones: 'a,c' } } },
    `network.zones (${IN_ALL}.network.zones) is "a,c": give a list of texts, such as ["a","c"].`,
  ],
  [
    NOT_IN_CONTEXT,
    'network.privateSubnets (default) is []: the subnet 10.0.128.0/20 taken for it overlaps 10.0.128.0/20, give network.privateSubnets too.',
    { BLOOMSTACK_NETWORK_PUBLIC_SUBNETS: '10.0.128.0/20,10.0.0.0/20' },
  ],
];

for (const [bloomstack, problem, env] of MISTAKES)
  test(`one line reports: ${problem}`, () => {
    const { message } = refusedConfiguration(bloomstack, env);
    assert.equal(message, `The configuration is wrong: ${problem}`);
  });

const CIDR_RULE = 'a CIDR block is written as its first address and its prefix length, such as 10.0.0.0/16';
const TRAINING = 'learning.trainingInstanceType';
const PUBLIC = 'network.publicSubnets';
const PRIVATE = 'network.privateSubnets';

describe('a value of a variable that breaks a rule is reported with the rule', () => {
  for (const [path, value, rule, others = {}] of [
    [TRAINING, 'ml.p3.2xlarge', 'ml.p2 and ml.p3 are retired, take ml.g4dn.xlarge'],
    [TRAINING, 't3.large', 'give a SageMaker instance type, such as ml.m5.large'],
    [
      TRAINING,
      'ml.m5.large',
      'training needs a GPU, take a size of ml.g4dn, ml.g5, ml.g6, ml.g6e, ml.p4d, ml.p4de, ml.p5, such as ml.g4dn.xlarge',
    ],
    [
      'learning.endpointInstanceType',
      'ml.c7g.large',
      'that is an Arm instance and the images are built for x86-64, take one such as ml.m5.large',
    ],
    [
      'https.certificateArn',
      'arn:aws:acm:us-east-1:123456789012:certificate/0a1b',
      'a load balancer in ap-northeast-2 takes certificates of that region only, request one there',
      { BLOOMSTACK_HTTPS_DOMAIN: 'flowers.example.com' },
    ],
    [
      'observability.logRetentionDays',
      31,
      'CloudWatch Logs has no such retention, give one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653',
    ],
    [
      'web.memory',
      4096,
      'with cpu 256 Fargate allows 512 to 2048 MiB, the nearest is 2048',
      { BLOOMSTACK_WEB_CPU: '256' },
    ],
    ['web.cpu', 300, 'Fargate has no such size, give one of 256, 512, 1024, 2048, 4096, 8192, 16384'],
    ['account', '1234', 'give the 12 digits of an AWS account'],
    ['web.memory', '2 GB', 'give a whole number, such as 1024'],
    ['learning.minAccuracy', 90, 'give a number from 0 to 1, such as 0.9'],
    ['learning.studio', 'yes', 'give true or false'],
    ['network.nat', 'two', 'give one or per-zone'],
    [
      'bucketSuffix',
      'garden-',
      'give up to thirty lower-case letters, digits and hyphens that neither begin nor end with a hyphen',
    ],
    ['network.zones', ['a'], 'a load balancer needs two Availability Zones, give two suffixes such as a,c'],
    ['network.zones', ['a', 'a'], 'an Availability Zone is named twice, name each once'],
    [
      'network.zones',
      ['a', 'us-east-1b'],
      '"us-east-1b" is wrong, give the suffix of an Availability Zone, such as a',
    ],
    ['network.cidr', '10.0.0.1/16', CIDR_RULE],
    ['network.cidr', '10.0.0.0/8', 'a VPC is between /16 and /20 here, such as 10.0.0.0/16'],
    ['network.allowedCidrs', ['10.0.0.0/8', '192.168.1/24'], `"192.168.1/24" is wrong, ${CIDR_RULE}`],
    [
      PUBLIC,
      ['10.0.0.0/20', '10.0.8.0/21'],
      '10.0.8.0/21 overlaps the subnet 10.0.0.0/20, give every subnet addresses of its own',
    ],
    [
      PRIVATE,
      ['10.0.128.0/20', '10.1.0.0/20'],
      '10.1.0.0/20 is outside the VPC (network.cidr 10.0.0.0/16), choose a part of it',
    ],
    [PRIVATE, ['10.0.128.0/20'], 'that is 1 for 2 Availability Zones (a, c), give one CIDR block for each'],
    [PRIVATE, ['10.0.128.0/20', '10.0.160.0/29'], '10.0.160.0/29 is too small, AWS needs /28 or larger'],
  ] satisfies readonly (readonly [string, string | number | string[], string, NodeJS.ProcessEnv?])[])
    test(`${path}: ${value}`, () => {
      const variable = FIELD_OF_PATH.get(path)?.variable ?? '';
      const { problems } = refusedConfiguration(undefined, { ...others, [variable]: String(value) });
      assert.deepEqual(problems, [`${path} (${variable}) is ${JSON.stringify(value)}: ${rule}`]);
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
    [undefined, {}, /cdktf\.json cannot be read \(ENOENT.*\), restore it from the repository/],
    [
      '{\n"context": {\n',
      {},
      /cdktf\.json is not valid JSON \(.*\), fix it as docs\/configuration\.md shows/,
    ],
    ['{"context": []}', {}, /cdktf\.json, context is not an object, fix it as docs\/configuration\.md shows/],
    ['{}', passed, /CDKTF_CONTEXT_JSON is not valid JSON \(.*\), unset it, cdktf\.json is read without it/],
  ] as const) {
    if (text !== undefined) writeFileSync(file, text);
    const { message } = refusal(() => readContext(env, file));
    assert.match(message, new RegExp(`^The configuration is wrong: ${problem.source}\\.$`));
  }
});
