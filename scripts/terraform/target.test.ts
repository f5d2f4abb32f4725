import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { clientSettings, listen } from '../deploy/fake-aws.ts';
import { fakeTerraform } from './fake-terraform.ts';
import { type StackFiles, terraformJson } from './synth.ts';
import {
  chooseAccount,
  createStsClient,
  findCaller,
  offlineEnvironment,
  offlineTerraform,
} from './target.ts';

/** STS speaks XML. */
const startSts = async (t: TestContext, status: number, body: string): Promise<STSClient> => {
  const url = await listen(t, (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/xml' });
    response.end(body);
  });
  return new STSClient(clientSettings(url));
};

const caller = { account: '123456789012', arn: 'arn:aws:iam::123456789012:user/kim' };

test('working credentials have an account', async (t) => {
  const client = await startSts(
    t,
    200,
    `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${caller.arn}</Arn><UserId>AIDA</UserId><Account>${caller.account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
  );
  assert.deepEqual(await findCaller(client, {}), caller);
});

for (const [name, code, message, expected] of [
  [
    'expired credentials are an error with advice, not an absence of credentials',
    'ExpiredToken',
    'The security token included in the request is expired',
    /AWS refuses the credentials.*is expired \(ExpiredToken\).*aws sso login/,
  ],
  [
    'a secret that does not match is an error with advice',
    'SignatureDoesNotMatch',
    'The signature does not match',
    /AWS refuses the credentials.*SignatureDoesNotMatch/,
  ],
] as const)
  test(name, async (t) => {
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;
    await assert.rejects(findCaller(await startSts(t, 403, body), {}), expected);
  });

test('an STS that accepts the request and stays silent does not answer', async (t) => {
  const url = await listen(t, () => {});
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
  t.after(() => {
    process.env = before;
  });
  await assert.rejects(findCaller(createStsClient('ap-northeast-2', 100), {}), /AWS STS did not answer/);
});

/** The SDK's own chain of providers, on a machine on which none of them finds anything. */
const withoutCredentials = (t: TestContext, environment: Record<string, string> = {}): STSClient => {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, {
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...environment,
  });
  t.after(() => {
    process.env = before;
  });
  return new STSClient({ region: 'ap-northeast-2', maxAttempts: 1 });
};

test('no credentials at all is not an error', async (t) => {
  const client = withoutCredentials(t);
  assert.equal(await findCaller(client, process.env), undefined);
});

test('a profile that gives no credentials is an error that names it', async (t) => {
  const client = withoutCredentials(t, { AWS_PROFILE: 'flowers' });
  await assert.rejects(findCaller(client, process.env), /the profile flowers \(AWS_PROFILE\) gives none/);
});

for (const [given, missing] of [
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'],
] as const)
  test(`${given} without its other half is an error, not an absence of credentials`, async (t) => {
    const client = withoutCredentials(t, { [given]: 'half' });
    await assert.rejects(
      findCaller(client, process.env),
      new RegExp(`cannot be used: ${missing} is missing`),
    );
  });

test('a service that does not answer is distinguished from wrong credentials', async () => {
  const client = new STSClient(clientSettings('http://127.0.0.1:9'));
  await assert.rejects(findCaller(client, {}), /AWS STS did not answer \(.*\)\. Check the network/);
});

test('the account of the configuration must be the caller’s, unless it is the placeholder', () => {
  assert.equal(chooseAccount('000000000000', caller), '123456789012');
  assert.equal(chooseAccount('123456789012', caller), '123456789012');
  assert.throws(
    () => chooseAccount('210987654321', caller),
    /for account 210987654321, but these credentials belong to account 123456789012/,
  );
});

const overrideSchema = z.object({
  provider: z.object({
    aws: z.array(
      z.looseObject({
        alias: z.string().optional(),
        access_key: z.string(),
        allowed_account_ids: z.array(z.string()),
      }),
    ),
  }),
  terraform: z.object({ backend: z.object({ local: z.object({ path: z.string() }) }) }),
});

/** A synthesized stack of two topics in two regions, as deep in a project as cdktf writes it. */
const twoTopics = (t: TestContext, backend: object): StackFiles => {
  const directory = path.join(temporaryFolder(t), 'cdktf.out/stacks/flowers');
  mkdirSync(directory, { recursive: true });
  const json = {
    terraform: { backend },
    provider: { aws: [{ region: 'ap-northeast-2' }, { alias: 'other', region: 'us-east-1' }] },
    resource: {},
  };
  writeFileSync(path.join(directory, 'cdk.tf.json'), JSON.stringify(json));
  return { name: 'flowers', directory, json: terraformJson.parse(json) };
};

for (const [name, backend, expected] of [
  [
    'a state in a file is compared with',
    { local: { path: '../../../terraform.flowers.tfstate' } },
    'terraform.flowers.tfstate',
  ],
  ['a state in S3 is not asked for', { s3: { bucket: 'states' } }, 'cdktf.out/offline/flowers/empty.tfstate'],
] as const)
  test(`offline, ${name}; each provider has made-up credentials and no check of the account`, async (t) => {
    const stack = twoTopics(t, backend);
    const { directory } = await offlineTerraform(stack, fakeTerraform(t, 'echo "$@" > arguments'));
    const override = overrideSchema.parse(
      JSON.parse(readFileSync(path.join(directory, 'offline_override.tf.json'), 'utf8')),
    );
    assert.equal(override.terraform.backend.local.path, path.resolve(stack.directory, '../../..', expected));
    assert.deepEqual(
      override.provider.aws.map(({ alias, access_key, allowed_account_ids }) => [
        alias,
        access_key,
        allowed_account_ids,
      ]),
      [
        [undefined, 'offline', []],
        ['other', 'offline', []],
      ],
    );
    assert.equal(
      readFileSync(path.join(directory, 'arguments'), 'utf8'),
      'init -input=false -no-color -reconfigure\n',
    );
    assert.ok(existsSync(path.join(directory, 'cdk.tf.json')));
  });

test('no variable of the AWS SDKs reaches an offline plan', () => {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_EC2_METADATA_DISABLED, PATH } = offlineEnvironment({
    AWS_PROFILE: 'prod',
    AWS_ACCESS_KEY_ID: 'real',
    PATH: '/bin',
  });
  assert.deepEqual(
    [AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_EC2_METADATA_DISABLED, PATH],
    [undefined, undefined, 'true', '/bin'],
  );
});
