import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { STSClient } from '@aws-sdk/client-sts';
import { startTestServer } from '../deploy/fake-aws.ts';
import { chooseAccount, createStsClient, findCaller, offlineEnvironment } from './target.ts';

const caller = { account: '123456789012', arn: 'arn:aws:iam::123456789012:user/kim' };

/** The SDK finds these variables of AWS, and nothing else on this machine. */
const withVariables = (t: TestContext, variables: Record<string, string>): STSClient => {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, {
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...variables,
  });
  return createStsClient('ap-northeast-2', 100);
};
const KEYS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

for (const [title, answer, expected] of [
  [
    'credentials that work',
    `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${caller.arn}</Arn><UserId>AIDA</UserId><Account>${caller.account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    caller,
  ],
  [
    'credentials that have expired are an error with advice, not an absence of credentials',
    '<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The token is expired</Message></Error></ErrorResponse>',
    /AWS refuses the credentials.*is expired \(ExpiredToken\).*aws sso login/,
  ],
  ['a service that stays silent', undefined, /AWS STS did not answer \(.*\)\. Check the network/],
] as const)
  test(`the caller: ${title}`, async (t) => {
    const url = await startTestServer(t, (_request, response) => {
      if (answer === undefined) return;
      response.writeHead(answer.startsWith('<Error') ? 403 : 200, { 'content-type': 'text/xml' }).end(answer);
    });
    const found = findCaller(withVariables(t, { ...KEYS, AWS_ENDPOINT_URL: url }));
    if (expected instanceof RegExp) await assert.rejects(found, expected);
    else assert.deepEqual(await found, expected);
  });

for (const [given, expected] of [
  ['', undefined],
  ['AWS_PROFILE', /the profile half \(AWS_PROFILE\) gives none/],
  ['AWS_ACCESS_KEY_ID', /cannot be used: AWS_SECRET_ACCESS_KEY is missing/],
  ['AWS_SECRET_ACCESS_KEY', /cannot be used: AWS_ACCESS_KEY_ID is missing/],
] as const)
  test(`no credentials: ${given ? `${given} that gives none is an error` : 'nothing is no error'}`, async (t) => {
    const found = findCaller(withVariables(t, given ? { [given]: 'half' } : {}));
    if (expected) await assert.rejects(found, expected);
    else assert.equal(await found, undefined);
  });

test('the account of the configuration must be the caller’s, unless it is the placeholder', () => {
  assert.equal(chooseAccount('000000000000', caller), '123456789012');
  assert.equal(chooseAccount('123456789012', caller), '123456789012');
  assert.throws(
    () => chooseAccount('210987654321', caller),
    /for account 210987654321, but these credentials belong to account 123456789012/,
  );
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
