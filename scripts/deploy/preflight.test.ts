import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { STSClient } from '@aws-sdk/client-sts';
import { configuration, type PartialConfiguration } from '../../stacks/config/schema.ts';
import { synthesizedStack } from '../../stacks/synthesized-stack.ts';
import { AwsError } from '../aws-double/protocol.ts';
import { synthesizeStack } from '../terraform/synth.ts';
import byType from './actions-by-type.json' with { type: 'json' };
import { deployerPolicy } from './deployer-policy.ts';
import { startFakeAws } from './fake-aws.ts';
import { type Account, describeFindings, type Finding, preflight, quotaNeeds } from './preflight.ts';
import { readQuotas } from './quotas.ts';

const configure = (choices: PartialConfiguration = {}) =>
  configuration.parse({ account: '123456789012', ...choices });

const outdir = mkdtempSync(path.join(tmpdir(), 'bloomstack-preflight-'));
const stack = synthesizeStack(configure(), outdir);
rmSync(outdir, { recursive: true });

/** An account in which everything is in order. */
const inOrder: Account = {
  denied: async () => [],
  zones: async () => ['ap-northeast-2a', 'ap-northeast-2b', 'ap-northeast-2c'],
  quotas: async (_, names) => new Map(names.map((name) => [name, 100])),
  hasRole: async () => true,
};

const check = (account: Partial<Account>, choices: PartialConfiguration = {}, isFirst = true) =>
  preflight({ config: configure(choices), stack, isFirst }, { ...inOrder, ...account });

/** What is not in order, but for the alarms' e-mail. */
const problems = (findings: readonly Finding[]) =>
  findings
    .filter(({ what, verdict }) => verdict !== 'ok' && what !== 'alarm e-mail')
    .map(({ what, verdict }) => `${verdict}: ${what}`);

const quotaOf = (part: string, value: number): Partial<Account> => ({
  quotas: async (_, names) => new Map(names.map((name) => [name, name.includes(part) ? value : 100])),
});
const refuse = async () => {
  throw new AwsError('AccessDeniedException', 'You may not ask');
};

for (const [title, account, expected, isFirst = true] of [
  ['where everything is in order, nothing', {}, []],
  [
    'a missing permission',
    { denied: async (actions) => actions.filter((each) => each === 'ec2:CreateVpc') },
    ['fails: permissions'],
  ],
  [
    'service-linked roles that nobody may create',
    {
      hasRole: async () => false,
      denied: async (actions) => actions.filter((each) => each.includes('ServiceLinked')),
    },
    ['fails: service-linked roles'],
  ],
  ['service-linked roles that AWS creates', { hasRole: async () => false }, []],
  [
    'a zone that the account does not have',
    { zones: async () => ['ap-northeast-2a'] },
    ['fails: Availability Zones'],
  ],
  ['no GPU', quotaOf('g4dn', 0), ['later: ml.g4dn.xlarge for spot training job usage']],
  ['an endpoint that cannot be updated', quotaOf('endpoint', 3), ['later: ml.m5.large for endpoint usage']],
  ['tasks that cannot run', quotaOf('vCPU', 1), ['fails: Fargate On-Demand vCPU resource count']],
  ['tasks that cannot be rolled out', quotaOf('vCPU', 6), ['later: Fargate On-Demand vCPU resource count']],
  [
    'no builds, at first',
    quotaOf('ARM', 0),
    ['fails: Concurrently running builds for ARM/Small environment'],
  ],
  [
    'no builds, later',
    quotaOf('ARM', 0),
    ['later: Concurrently running builds for ARM/Small environment'],
    false,
  ],
  [
    'a quota that is not listed',
    { quotas: async (service) => (service === 'fargate' ? new Map() : inOrder.quotas('', [])) },
    undefined,
  ],
  [
    'refused questions',
    { denied: refuse, zones: refuse, quotas: refuse, hasRole: refuse },
    [
      'permissions',
      'service-linked roles',
      'Availability Zones',
      'quotas of sagemaker',
      'quotas of codebuild',
      'quotas of fargate',
    ].map((what) => `not asked: ${what}`),
  ],
] satisfies [string, Partial<Account>, string[] | undefined, boolean?][])
  test(`preflight finds: ${title}`, async () => {
    const found = problems(await check(account, {}, isFirst));
    if (expected) assert.deepEqual(found, expected);
    else assert.ok(found.every((each) => each.startsWith('not asked')) && found.length > 0);
  });

test('each thing that is wrong has a remedy, and comes first in the table', async () => {
  const findings = await check({ zones: async () => [], ...quotaOf('g4dn', 0) });
  for (const { verdict, remedy } of findings)
    assert.equal(remedy !== '', verdict === 'fails' || verdict === 'later');
  const [, , first = '', second = ''] = describeFindings(findings).split('\n');
  assert.match(first, /Availability Zones +\| ⚠ FAILS .*BLOOMSTACK_NETWORK_ZONES/);
  assert.match(second, /g4dn.xlarge for spot training job usage +\| ⚠ later .*Service Quotas, sagemaker/);
});

test('quotas are those of what the configuration uses', () => {
  const config = configure({
    learning: { trainingSpot: false, endpointMaxInstances: 5 },
    web: { maxTasks: 10 },
  });
  const needs = quotaNeeds({ config, stack, isFirst: true }).map(({ name, later }) => `${later} ${name}`);
  for (const need of [
    '1 ml.g4dn.xlarge for training job usage',
    '10 ml.m5.large for endpoint usage',
    '14 Fargate On-Demand vCPU resource count',
  ])
    assert.ok(needs.includes(need), needs.join('\n'));
});

test('quotas are read page by page, AWS’s defaults for what the account has none of', async (t) => {
  const { client, inputs } = await startFakeAws(t, {
    ListServiceQuotas: ({ NextToken }) =>
      NextToken === undefined
        ? { NextToken: 'more', Quotas: [{ QuotaName: 'a', Value: 1 }] }
        : { Quotas: [{ QuotaName: 'b', Value: 2 }] },
    ListAWSDefaultServiceQuotas: () => ({ Quotas: ['b', 'c'].map((QuotaName) => ({ QuotaName, Value: 9 })) }),
  });
  const before = process.env['AWS_ENDPOINT_URL'];
  process.env['AWS_ENDPOINT_URL'] = client.endpoint;
  t.after(() => {
    if (before === undefined) delete process.env['AWS_ENDPOINT_URL'];
    else process.env['AWS_ENDPOINT_URL'] = before;
  });
  const sts = new STSClient(client);
  const read = (names: string[]) => readQuotas(sts, 'ap-northeast-2', 'fargate', names);
  assert.deepEqual(
    [...(await read(['a', 'b', 'c']))],
    [
      ['a', 1],
      ['b', 2],
      ['c', 9],
    ],
  );
  assert.equal(inputs('ListServiceQuotas')[0]?.['ServiceCode'], 'fargate');
  await read(['a']);
  assert.equal(inputs('ListServiceQuotas').length, 3);
});

test('the policy of who deploys is in the docs, as the types of resources in the stack make it', () => {
  const types = (['default', 'full', 'minimal'] as const).flatMap((name) =>
    synthesizedStack(name).addresses.map((address) => address.split('.')[0] ?? ''),
  );
  const all = [...new Set([...types, ...Object.keys(byType)])];
  const policy = `${JSON.stringify(deployerPolicy(all, 'app'), undefined, 2)}\n`;
  const file = new URL('../../docs/deployer-policy.json', import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, policy);
  assert.equal(policy, readFileSync(file, 'utf8'), 'If this is meant, run this test with UPDATE_GOLDEN=1.');
});

test('who deploys may change roles of the system only; a type that is not known is an error', () => {
  const { Statement } = deployerPolicy(['aws_iam_role', 'aws_iam_role_policy'], 'app');
  const unbounded = Statement.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action);
  assert.deepEqual(
    unbounded.filter((action) => /^iam:(Create|Put|Pass|Attach|Update)/.test(action)),
    ['iam:CreateServiceLinkedRole'],
  );
  assert.throws(() => deployerPolicy(['aws_lambda_function'], 'app'), /aws_lambda_function/);
});
