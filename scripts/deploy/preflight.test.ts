import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { after, type TestContext, test } from 'node:test';
import { STSClient } from '@aws-sdk/client-sts';
import { configuration } from '../../stacks/config/schema.ts';
import { synthesizedStack } from '../../stacks/synthesized-stack.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { AwsError } from '../aws-double/protocol.ts';
import { synthesizeStack } from '../terraform/synth.ts';
import byType from './actions-by-type.json' with { type: 'json' };
import { deployerPolicy } from './deployer-policy.ts';
import { startFakeAws, startTestServer } from './fake-aws.ts';
import { type Account, askAccount, describeFindings, preflight } from './preflight.ts';
import { readQuotas } from './quotas.ts';

const config = configuration.parse({ account: '123456789012' });

const stack = synthesizeStack(config, temporaryFolder({ after }));

/** An account in which everything is in order but for this. */
const check = (account: Partial<Account>, isFirst = true) =>
  preflight(
    { config, stack, isFirst },
    {
      denied: async () => [],
      zones: async () => ['ap-northeast-2a', 'ap-northeast-2b', 'ap-northeast-2c'],
      quotas: async (_, names) => new Map(names.map((name) => [name, 100])),
      hasRole: async () => true,
      missingImages: async () => [],
      ...account,
    },
  );

const quotaOf = (part: string, value: number): Partial<Account> => ({
  quotas: async (_, names) => new Map(names.map((name) => [name, name.includes(part) ? value : 100])),
});
const denying = (part: string): Partial<Account> => ({
  denied: async (actions) => actions.filter((each) => each.includes(part)),
});
const imageThat = (reason: string) => ({ missingImages: async () => [['NODE', reason] as const] });
const noRole = { hasRole: async () => false };
const refuse = () => Promise.reject(new AwsError('AccessDeniedException', 'You may not ask'));
const BUILDS = 'Concurrently running builds for ARM/Small environment';

for (const [title, account, expected, isFirst = true] of [
  ['where everything is in order, nothing', {}, []],
  ['a missing permission', denying('ec2:CreateVpc'), ['fails: permissions']],
  ['roles that nobody may create', { ...denying('Linked'), ...noRole }, ['fails: service-linked roles']],
  ['service-linked roles that AWS creates', noRole, []],
  ['a zone that is not there', { zones: async () => ['ap-northeast-2a'] }, ['fails: Availability Zones']],
  ['no GPU', quotaOf('g4dn', 0), ['later: ml.g4dn.xlarge for spot training job usage']],
  ['no evaluation', quotaOf('processing', 0), ['later: ml.m5.large for processing job usage']],
  ['an endpoint that cannot be updated', quotaOf('endpoint', 3), ['later: ml.m5.large for endpoint usage']],
  ['tasks that cannot run', quotaOf('vCPU', 1), ['fails: Fargate On-Demand vCPU resource count']],
  ['tasks that cannot be rolled out', quotaOf('vCPU', 6), ['later: Fargate On-Demand vCPU resource count']],
  ['no builds, at first', quotaOf('ARM', 0), [`fails: ${BUILDS}`]],
  ['no builds, later', quotaOf('ARM', 0), [`later: ${BUILDS}`], false],
  ['a base image that is gone', imageThat('answered 404 without a digest'), ['fails: base image NODE']],
  ['a registry that is not reached', imageThat('ENOTFOUND'), ['not asked: base image NODE']],
  ['a base image, but builds none', imageThat('answered 404 without a digest'), [], false],
  [
    'refused questions, and quotas that are not listed',
    {
      denied: refuse,
      zones: refuse,
      hasRole: refuse,
      quotas: async (service) => (service === 'fargate' ? new Map() : refuse()),
    },
    [
      'not asked: permissions',
      'not asked: service-linked roles',
      'not asked: Availability Zones',
      'not asked: quotas of sagemaker',
      'not asked: quotas of codebuild',
      'not asked: Fargate On-Demand vCPU resource count',
    ],
  ],
] satisfies [string, Partial<Account>, string[], boolean?][])
  test(`preflight finds: ${title}`, async () => {
    const problems = (await check(account, isFirst))
      .filter(({ what, verdict }) => verdict !== 'ok' && what !== 'alarm e-mail')
      .map(({ what, verdict }) => `${verdict}: ${what}`);
    assert.deepEqual(problems, expected);
  });

test('problems have a remedy, and come first in the table', async () => {
  const findings = await check({ zones: async () => [], ...quotaOf('g4dn', 0) });
  for (const { verdict, remedy } of findings)
    assert.equal(remedy !== '', verdict === 'fails' || verdict === 'later');
  const [, , first = '', second = '', third = ''] = describeFindings(findings).split('\n');
  assert.match(first, /Availability Zones +\| ⚠ FAILS .*BLOOMSTACK_NETWORK_ZONES/);
  assert.match(second, /g4dn.xlarge for spot training job usage +\| ⚠ later .*Service Quotas, sagemaker/);
  assert.match(third, /alarm e-mail +\| ⚠ later .*BLOOMSTACK_OBSERVABILITY_ALARM_EMAIL/);
});

/** The SDK asks this server. */
const answering = (t: TestContext, AWS_ENDPOINT_URL = ''): void => {
  const before = { ...process.env };
  Object.assign(process.env, { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
  t.after(() => {
    process.env = before;
  });
};

test('permissions are those of the session’s role, with its path; a missing role is no failure', async (t) => {
  const role = 'arn:aws:iam::123456789012:role/team/Admin';
  const about: (string | null)[] = [];
  const url = await startTestServer(t, async (request, response) => {
    const form = new URLSearchParams(await text(request));
    about.push(form.get('PolicySourceArn'));
    const result = (action: string, decision: string) =>
      `<member><EvalActionName>${action}</EvalActionName><EvalDecision>${decision}</EvalDecision></member>`;
    const results = result('s3:GetObject', 'allowed') + result('iam:PassRole', 'implicitDeny');
    const answer = `<Role><Arn>${role}</Arn></Role><EvaluationResults>${results}</EvaluationResults>`;
    const of = form.get('Action');
    if (form.get('RoleName') !== 'Gone')
      response.end(`<${of}Response><${of}Result>${answer}</${of}Result></${of}Response>`);
    else response.writeHead(404).end('<_><Error><Code>NoSuchEntity</Code></Error></_>');
  });
  answering(t, url);
  const caller = { account: config.account, arn: 'arn:aws:sts::123456789012:assumed-role/Admin/kim' };
  const { denied, hasRole } = askAccount(new STSClient({ region: 'a' }), 'ap-northeast-2', caller);
  assert.deepEqual(await denied(['s3:GetObject', 'iam:PassRole'], '*'), ['iam:PassRole']);
  assert.equal(about.at(-1), role);
  assert.deepEqual([await hasRole('Admin'), await hasRole('Gone')], [true, false]);
});

test('quotas are read page by page, AWS’s defaults for what the account has none of', async (t) => {
  const { client, inputs } = await startFakeAws(t, {
    ListServiceQuotas: ({ NextToken }) =>
      NextToken === undefined
        ? { NextToken: 'more', Quotas: [{ QuotaName: 'a', Value: 1 }] }
        : { Quotas: [{ QuotaName: 'b', Value: 2 }] },
    ListAWSDefaultServiceQuotas: () => ({ Quotas: ['b', 'c'].map((QuotaName) => ({ QuotaName, Value: 9 })) }),
  });
  answering(t, client.endpoint);
  const read = (...names: string[]) => readQuotas(new STSClient(client), 'ap-northeast-2', 'fargate', names);
  assert.deepEqual(Object.fromEntries(await read('a', 'b', 'c')), { a: 1, b: 2, c: 9 });
  assert.equal(inputs('ListServiceQuotas')[0]?.['ServiceCode'], 'fargate');
  await read('a');
  assert.equal(inputs('ListServiceQuotas').length, 3);
});

test('the deployer policy in the docs matches the resource types in the stack', () => {
  const types = (['default', 'full', 'minimal'] as const).flatMap((name) =>
    synthesizedStack(name).addresses.map((address) => address.split('.')[0] ?? ''),
  );
  const all = [...new Set([...types, ...Object.keys(byType)])];
  const policy = `${JSON.stringify(deployerPolicy(all, 'app'), undefined, 2)}\n`;
  const file = new URL('../../docs/deployer-policy.json', import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, policy);
  assert.equal(policy, readFileSync(file, 'utf8'), 'If this is meant, run this test with UPDATE_GOLDEN=1.');
});

test("the deployer may change only the system's roles; an unknown resource type is an error", () => {
  const { Statement } = deployerPolicy(['aws_iam_role', 'aws_iam_role_policy'], 'app');
  const unbounded = Statement.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action);
  assert.deepEqual(
    unbounded.filter((action) => /^iam:(Create|Put|Pass|Attach|Update)/.test(action)),
    ['iam:CreateServiceLinkedRole'],
  );
  assert.throws(() => deployerPolicy(['aws_lambda_function'], 'app'), /aws_lambda_function/);
});
