import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigurationError, loadConfiguration, readContext } from './load.ts';

/** What a person wrote. */
interface Written {
  readonly env?: NodeJS.ProcessEnv;
  readonly bloomstack?: unknown;
}

interface Mistake extends Written {
  readonly what: string;
  /** The line that reports it, without its beginning. */
  readonly problem: string;
}

const refusal = (read: () => unknown): ConfigurationError => {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted.');
};

const refusedConfiguration = ({ bloomstack, env = {} }: Written): ConfigurationError =>
  refusal(() => loadConfiguration({ context: bloomstack === undefined ? {} : { bloomstack }, env }));

const testMistakes = (title: string, mistakes: readonly Mistake[]): void => {
  describe(title, () => {
    for (const mistake of mistakes)
      test(mistake.what, () => {
        assert.equal(refusedConfiguration(mistake).message, `The configuration is wrong: ${mistake.problem}`);
      });
  });
};

const IN_ALL = 'cdktf.json, context.bloomstack.all';

testMistakes('what is written where nothing is read is reported', [
  {
    what: 'an unknown field',
    bloomstack: { all: { web: { memmory: 2048 } } },
    problem: `unknown field web.memmory (${IN_ALL}.web.memmory), did you mean web.memory?`,
  },
  {
    what: 'an unknown section, for an environment that is not the chosen one',
    bloomstack: { environments: { prod: { wbe: { memory: 2048 } } } },
    problem: 'unknown field wbe (cdktf.json, context.bloomstack.environments.prod.wbe), did you mean web?',
  },
  {
    what: 'an unknown variable',
    env: { BLOOMSTACK_WEB_MEMMORY: '2048' },
    problem: 'unknown variable BLOOMSTACK_WEB_MEMMORY, did you mean BLOOMSTACK_WEB_MEMORY?',
  },
  {
    what: 'an unknown variable that is empty',
    env: { BLOOMSTACK_REGOIN: '' },
    problem: 'unknown variable BLOOMSTACK_REGOIN, did you mean BLOOMSTACK_REGION?',
  },
  {
    what: 'a field outside the layers',
    bloomstack: { region: 'eu-west-1' },
    problem:
      'cdktf.json, context.bloomstack.region is unknown, write a field in context.bloomstack.all or in context.bloomstack.environments.<environment>.',
  },
  {
    what: 'an unknown environment in the context',
    bloomstack: { environments: { staging: {} } },
    problem:
      'cdktf.json, context.bloomstack.environments.staging is an unknown environment, give dev or prod.',
  },
  {
    what: 'an unknown environment chosen by the context',
    bloomstack: { environment: 'production' },
    problem: 'environment (cdktf.json, context.bloomstack.environment) is "production": give dev or prod.',
  },
  {
    what: 'an unknown environment chosen by the variable',
    env: { BLOOMSTACK_ENVIRONMENT: 'staging' },
    problem: 'environment (BLOOMSTACK_ENVIRONMENT) is "staging": give dev or prod.',
  },
  {
    what: 'an environment chosen within a layer',
    bloomstack: { all: { environment: 'prod' } },
    problem: `environment (${IN_ALL}.environment) cannot be chosen there, write it in cdktf.json, context.bloomstack.environment.`,
  },
  {
    what: 'a context that is not an object',
    bloomstack: 'dev',
    problem: 'cdktf.json, context.bloomstack is not an object, give one as in docs/configuration.md.',
  },
  {
    what: 'a section that is not an object',
    bloomstack: { all: { web: 5 } },
    problem: `${IN_ALL}.web is 5: give an object of fields, such as {"cpu":512}.`,
  },
  {
    what: 'a layer that is not an object',
    bloomstack: { all: [] },
    problem: `${IN_ALL} is []: give an object of fields, such as {"region":"ap-northeast-2"}.`,
  },
]);

const INSTANCE = 'learning.trainingInstanceType (BLOOMSTACK_LEARNING_TRAINING_INSTANCE_TYPE)';
const trainingOn = (type: string) => ({ BLOOMSTACK_LEARNING_TRAINING_INSTANCE_TYPE: type });

testMistakes('a value that breaks a rule is reported', [
  {
    what: 'more tasks always than at most',
    bloomstack: { all: { web: { minTasks: 5 } } },
    problem: `web.minTasks (${IN_ALL}.web.minTasks) is 5: that is above maxTasks (4), lower it or raise maxTasks.`,
  },
  {
    what: 'fewer tasks at most than the default always',
    env: { BLOOMSTACK_WAS_MAX_TASKS: '1' },
    problem: 'was.minTasks (default) is 2: that is above maxTasks (1), lower it or raise maxTasks.',
  },
  {
    what: "fewer instances at most than prod's default always",
    bloomstack: { environment: 'prod', all: { learning: { endpointMaxInstances: 1 } } },
    problem: `learning.endpointMinInstances (default of prod) is 2: that is above endpointMaxInstances (1), lower it or raise endpointMaxInstances.`,
  },
  {
    what: 'a retired instance type',
    env: trainingOn('ml.p3.2xlarge'),
    problem: `${INSTANCE} is "ml.p3.2xlarge": ml.p2 and ml.p3 are retired, take ml.g4dn.xlarge.`,
  },
  {
    what: 'an instance type of EC2',
    env: trainingOn('t3.large'),
    problem: `${INSTANCE} is "t3.large": give a SageMaker instance type, such as ml.m5.large.`,
  },
  {
    what: 'an instance type without a GPU for training',
    env: trainingOn('ml.m5.large'),
    problem: `${INSTANCE} is "ml.m5.large": training needs a GPU, take a size of ml.g4dn, ml.g5, ml.g6, ml.g6e, ml.p4d, ml.p4de, ml.p5, such as ml.g4dn.xlarge.`,
  },
  {
    what: 'an Arm instance type',
    env: { BLOOMSTACK_LEARNING_ENDPOINT_INSTANCE_TYPE: 'ml.c7g.large' },
    problem:
      'learning.endpointInstanceType (BLOOMSTACK_LEARNING_ENDPOINT_INSTANCE_TYPE) is "ml.c7g.large": that is an Arm instance and the images are built for x86-64, take one such as ml.m5.large.',
  },
  {
    what: 'a domain without a certificate',
    env: { BLOOMSTACK_HTTPS_DOMAIN: 'flowers.example.com' },
    problem:
      'https.certificateArn (default) is "": https.domain is set and HTTPS needs a certificate, request one in ACM and give its ARN.',
  },
  {
    what: 'a certificate of another region',
    env: { BLOOMSTACK_HTTPS_CERTIFICATE_ARN: 'arn:aws:acm:us-east-1:123456789012:certificate/0a1b' },
    problem:
      'https.certificateArn (BLOOMSTACK_HTTPS_CERTIFICATE_ARN) is "arn:aws:acm:us-east-1:123456789012:certificate/0a1b": a load balancer in ap-northeast-2 takes certificates of that region only, request one there.',
  },
  {
    what: 'GitHub without a repository',
    env: {
      BLOOMSTACK_SOURCE_PROVIDER: 'github',
      BLOOMSTACK_SOURCE_CONNECTION_ARN: 'arn:aws:codeconnections:ap-northeast-2:123456789012:connection/0a1b',
    },
    problem: 'source.repository (default) is "": source.provider is github, give owner/name.',
  },
  {
    what: 'a time that logs cannot be kept',
    env: { BLOOMSTACK_OBSERVABILITY_LOG_RETENTION_DAYS: '31' },
    problem:
      'observability.logRetentionDays (BLOOMSTACK_OBSERVABILITY_LOG_RETENTION_DAYS) is 31: CloudWatch Logs has no such retention, give one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.',
  },
  {
    what: 'memory that Fargate does not pair with the CPU',
    env: { BLOOMSTACK_WEB_CPU: '256', BLOOMSTACK_WEB_MEMORY: '4096' },
    problem:
      'web.memory (BLOOMSTACK_WEB_MEMORY) is 4096: with cpu 256 Fargate allows 512 to 2048 MiB, the nearest is 2048.',
  },
  {
    what: 'a CPU size that Fargate does not have',
    env: { BLOOMSTACK_WEB_CPU: '300' },
    problem:
      'web.cpu (BLOOMSTACK_WEB_CPU) is 300: Fargate has no such size, give one of 256, 512, 1024, 2048, 4096, 8192, 16384.',
  },
  {
    what: 'a wrong account',
    env: { BLOOMSTACK_ACCOUNT: '1234' },
    problem: 'account (BLOOMSTACK_ACCOUNT) is "1234": give the 12 digits of an AWS account.',
  },
  {
    what: 'an account that JSON holds as a number',
    bloomstack: { all: { account: 123456789012 } },
    problem: `account (${IN_ALL}.account) is 123456789012: give a text in quotation marks, such as "000000000000".`,
  },
  {
    what: 'memory that is not a number',
    env: { BLOOMSTACK_WEB_MEMORY: '2 GB' },
    problem: 'web.memory (BLOOMSTACK_WEB_MEMORY) is "2 GB": give a whole number, such as 1024.',
  },
  {
    what: 'a number outside its range',
    env: { BLOOMSTACK_LEARNING_MIN_ACCURACY: '90' },
    problem:
      'learning.minAccuracy (BLOOMSTACK_LEARNING_MIN_ACCURACY) is 90: give a number from 0 to 1, such as 0.9.',
  },
  {
    what: 'a switch that is neither on nor off',
    env: { BLOOMSTACK_LEARNING_STUDIO: 'yes' },
    problem: 'learning.studio (BLOOMSTACK_LEARNING_STUDIO) is "yes": give true or false.',
  },
  {
    what: 'a word that is none of the choices',
    env: { BLOOMSTACK_NETWORK_NAT: 'two' },
    problem: 'network.nat (BLOOMSTACK_NETWORK_NAT) is "two": give one or per-zone.',
  },
  {
    what: 'a list that JSON holds as a text',
    bloomstack: { all: { network: { zones: 'a,c' } } },
    problem: `network.zones (${IN_ALL}.network.zones) is "a,c": give a list of texts, such as ["a","c"].`,
  },
  {
    what: "a bucket's name that would end with a hyphen",
    env: { BLOOMSTACK_BUCKET_SUFFIX: 'garden-' },
    problem:
      'bucketSuffix (BLOOMSTACK_BUCKET_SUFFIX) is "garden-": give up to thirty lower-case letters, digits and hyphens that neither begin nor end with a hyphen.',
  },
]);

const CIDR_RULE = 'a CIDR block is written as its first address and its prefix length, such as 10.0.0.0/16';
const subnets = (kind: 'PUBLIC' | 'PRIVATE', blocks: string) => ({
  [`BLOOMSTACK_NETWORK_${kind}_SUBNETS`]: blocks,
});

testMistakes('a network that AWS would refuse is reported', [
  {
    what: 'one Availability Zone',
    env: { BLOOMSTACK_NETWORK_ZONES: 'a' },
    problem:
      'network.zones (BLOOMSTACK_NETWORK_ZONES) is ["a"]: a load balancer needs two Availability Zones, give two suffixes such as a,c.',
  },
  {
    what: 'a zone named twice',
    env: { BLOOMSTACK_NETWORK_ZONES: 'a,a' },
    problem:
      'network.zones (BLOOMSTACK_NETWORK_ZONES) is ["a","a"]: an Availability Zone is named twice, name each once.',
  },
  {
    what: 'a zone that is not a letter',
    env: { BLOOMSTACK_NETWORK_ZONES: 'a,us-east-1b' },
    problem:
      'network.zones (BLOOMSTACK_NETWORK_ZONES) is ["a","us-east-1b"]: "us-east-1b" is wrong, give the suffix of an Availability Zone, such as a.',
  },
  {
    what: 'a malformed block',
    env: { BLOOMSTACK_NETWORK_CIDR: '10.0.0.1/16' },
    problem: `network.cidr (BLOOMSTACK_NETWORK_CIDR) is "10.0.0.1/16": ${CIDR_RULE}.`,
  },
  {
    what: 'a malformed block among those allowed',
    env: { BLOOMSTACK_NETWORK_ALLOWED_CIDRS: '10.0.0.0/8,192.168.1/24' },
    problem: `network.allowedCidrs (BLOOMSTACK_NETWORK_ALLOWED_CIDRS) is ["10.0.0.0/8","192.168.1/24"]: "192.168.1/24" is wrong, ${CIDR_RULE}.`,
  },
  {
    what: 'a VPC that is too large',
    env: { BLOOMSTACK_NETWORK_CIDR: '10.0.0.0/8' },
    problem:
      'network.cidr (BLOOMSTACK_NETWORK_CIDR) is "10.0.0.0/8": a VPC is between /16 and /20 here, such as 10.0.0.0/16.',
  },
  {
    what: 'subnets that overlap',
    env: subnets('PUBLIC', '10.0.0.0/20,10.0.8.0/21'),
    problem:
      'network.publicSubnets (BLOOMSTACK_NETWORK_PUBLIC_SUBNETS) is ["10.0.0.0/20","10.0.8.0/21"]: 10.0.8.0/21 overlaps the subnet 10.0.0.0/20, give every subnet addresses of its own.',
  },
  {
    what: 'subnets that overlap those taken for the other kind',
    env: subnets('PUBLIC', '10.0.128.0/20,10.0.0.0/20'),
    problem:
      'network.privateSubnets (default) is []: the subnet 10.0.128.0/20 taken for it overlaps 10.0.128.0/20, give network.privateSubnets too.',
  },
  {
    what: 'a subnet outside the VPC',
    env: subnets('PRIVATE', '10.0.128.0/20,10.1.0.0/20'),
    problem:
      'network.privateSubnets (BLOOMSTACK_NETWORK_PRIVATE_SUBNETS) is ["10.0.128.0/20","10.1.0.0/20"]: 10.1.0.0/20 is outside the VPC (network.cidr 10.0.0.0/16), choose a part of it.',
  },
  {
    what: 'too few subnets',
    env: subnets('PRIVATE', '10.0.128.0/20'),
    problem:
      'network.privateSubnets (BLOOMSTACK_NETWORK_PRIVATE_SUBNETS) is ["10.0.128.0/20"]: that is 1 for 2 Availability Zones (a, c), give one CIDR block for each.',
  },
  {
    what: 'a subnet that is too small',
    env: subnets('PRIVATE', '10.0.128.0/20,10.0.160.0/29'),
    problem:
      'network.privateSubnets (BLOOMSTACK_NETWORK_PRIVATE_SUBNETS) is ["10.0.128.0/20","10.0.160.0/29"]: 10.0.160.0/29 is too small, AWS needs /28 or larger.',
  },
]);

test('several problems are in one line, one for each field', () => {
  const { message, problems } = refusedConfiguration({
    env: { BLOOMSTACK_REGION: 'Seoul', BLOOMSTACK_NETWORK_ZONES: 'A,1', BLOOMSTACK_ACCOUNT: 'a\nb' },
  });
  assert.equal(problems.length, 3);
  assert.equal(message.split('\n').length, 1);
  assert.match(message, /; account \(BLOOMSTACK_ACCOUNT\) is "a\\nb": /);
  assert.match(message, /"A" is wrong, [^;]*, and "1" is wrong/);
});

test('a name with a line break does not break the line', () => {
  assert.equal(
    refusedConfiguration({ bloomstack: { all: { 'web\nmemory': 1 } } }).message.split('\n').length,
    1,
  );
});

test('one line says why a context cannot be read', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-context-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'cdktf.json');
  const line = (env: NodeJS.ProcessEnv, text = '{}'): string => {
    writeFileSync(file, text);
    return refusal(() => readContext(env, file)).message;
  };
  assert.match(
    refusal(() => readContext({}, path.join(folder, 'missing.json'))).message,
    /^The configuration is wrong: cdktf\.json cannot be read \(ENOENT.*\), restore it from the repository\.$/,
  );
  assert.match(
    line({}, '{\n"context": {\n'),
    /^The configuration is wrong: cdktf\.json is not valid JSON \(.*\), fix it as docs\/configuration\.md shows\.$/,
  );
  assert.match(
    line({}, '{"context": []}'),
    /: cdktf\.json, context is not an object, fix it as docs\/configuration\.md shows\.$/,
  );
  assert.match(
    line({ CDKTF_CONTEXT_JSON: 'bloomstack' }),
    /: CDKTF_CONTEXT_JSON is not valid JSON \(.*\), unset it, cdktf\.json is read without it\.$/,
  );
});
