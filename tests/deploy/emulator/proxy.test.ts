import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { AwsError, operation } from '../../../scripts/aws-double/protocol.ts';
import { type Received, type Reply, startFakeUpstream } from './fake-upstream.ts';
import { anything, type MotoHandler } from './overlay/overlay.ts';
import { bucketPolicies, ruleDescriptions, startProxy } from './proxy.ts';

const SIGNED =
  'AWS4-HMAC-SHA256 Credential=key/20260101/ap-northeast-2/greeting/aws4_request, SignedHeaders=host, Signature=0';

type Operations = Readonly<Record<string, MotoHandler>>;

const start = async (t: TestContext, reply: (received: Received) => Reply, operations: Operations = {}) => {
  const upstream = await startFakeUpstream(reply);
  t.after(upstream.stop);
  const proxy = await startProxy(upstream.url, [{ service: 'Greeting_1', operations }]);
  t.after(proxy.stop);
  return { upstream, proxy };
};

const call = async (url: string, target: string, body: string) => {
  const headers = { 'x-amz-target': target, authorization: SIGNED };
  const response = await fetch(url, { method: 'POST', headers, body });
  return { status: response.status, answer: anything.parse(await response.json()) };
};

test('what no handler knows goes to the upstream and back, byte for byte', async (t) => {
  const sent = randomBytes(300_000);
  const returned = randomBytes(200_000);
  const { upstream, proxy } = await start(t, () => ({
    status: 206,
    headers: { 'x-amz-id-2': 'abc', 'content-type': 'image/jpeg' },
    body: returned,
  }));

  const headers = {
    Host: 'b.s3.example',
    Authorization: SIGNED,
    'X-Amz-Meta-Of': 'Rose',
    Expect: '100-continue',
  };
  const outgoing = request(`${proxy.url}/b/a%20b?part=1&x=%2F`, { method: 'PUT', headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once('response', resolve).once('error', reject),
  );
  outgoing.write(sent.subarray(0, 1000));
  outgoing.end(sent.subarray(1000));
  const answer = await answered;

  assert.deepEqual(await buffer(answer), returned);
  assert.equal(answer.statusCode, 206);
  assert.equal(answer.headers['x-amz-id-2'], 'abc');
  const [received] = upstream.received;
  assert.deepEqual(received?.body, sent);
  assert.equal(received?.method, 'PUT');
  assert.equal(received?.path, '/b/a%20b?part=1&x=%2F');
  assert.equal(received?.headers.host, 'b.s3.example');
  assert.equal(received?.headers.authorization, SIGNED);
  assert.ok(received?.rawHeaders.includes('X-Amz-Meta-Of'), 'the case of header names is kept');
});

test('an answer without a body, and a refusal of the upstream, pass through', async (t) => {
  const { proxy } = await start(t, ({ method }) =>
    method === 'HEAD' ? { headers: { 'content-length': '42' }, body: '' } : { status: 404, body: '<Error/>' },
  );
  const head = await fetch(proxy.url, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '42');
  const get = await fetch(proxy.url);
  assert.equal(get.status, 404);
  assert.equal(await get.text(), '<Error/>');
});

test('a handler answers its target alone, and knows the region of the signature', async (t) => {
  const { upstream, proxy } = await start(t, () => ({ body: '{"from":"upstream"}' }), {
    Greet: operation(z.object({ name: z.string() }), ({ name }, { region }) => ({ hello: name, region })),
  });
  const greeted = await call(proxy.url, 'Greeting_1.Greet', '{"name":"장미"}');
  assert.deepEqual(greeted, { status: 200, answer: { hello: '장미', region: 'ap-northeast-2' } });
  assert.equal(upstream.received.length, 0);
  for (const other of ['Greeting_1.Leave', 'Greeting_2.Greet'])
    assert.deepEqual((await call(proxy.url, other, '{}')).answer, { from: 'upstream' });
});

test('a handler changes what goes to the upstream and what comes back', async (t) => {
  const { upstream, proxy } = await start(t, () => ({ body: '{"a":1}' }), {
    Greet: operation(anything, async (input, { send }) => ({
      ...anything.parse(await send('Welcome', { ...input, added: '한' })),
      b: 2,
    })),
  });
  assert.deepEqual((await call(proxy.url, 'Greeting_1.Greet', '{"own":1}')).answer, { a: 1, b: 2 });
  const [received] = upstream.received;
  assert.equal(received?.headers['x-amz-target'], 'Greeting_1.Welcome');
  assert.equal(received?.headers.authorization, SIGNED);
  assert.deepEqual(JSON.parse(`${received?.body}`), { own: 1, added: '한' });
});

test('refusals of a handler, of its input check and of the upstream have the shape of AWS', async (t) => {
  const { proxy } = await start(
    t,
    () => ({ status: 400, body: '{"__type":"LimitExceeded","Message":"too many"}' }),
    {
      Refuse: async () => {
        throw new AwsError('NotFound', 'no such flower');
      },
      Check: operation(z.object({ name: z.string() }), () => ({})),
      Ask: (input, { send }) => send('Ask', input),
    },
  );
  const refused = await call(proxy.url, 'Greeting_1.Refuse', '{}');
  assert.deepEqual(refused, { status: 400, answer: { __type: 'NotFound', message: 'no such flower' } });
  const unfit = await call(proxy.url, 'Greeting_1.Check', '{"name":1}');
  assert.equal(unfit.status, 400);
  assert.equal(unfit.answer['__type'], 'ValidationException');
  const notJson = await call(proxy.url, 'Greeting_1.Check', '{');
  assert.equal(notJson.answer['__type'], 'SerializationException');
  const upstream = await call(proxy.url, 'Greeting_1.Ask', '{}');
  assert.deepEqual(upstream, { status: 400, answer: { __type: 'LimitExceeded', message: 'too many' } });
});

test('a failing handler and a failing upstream are 502, and the proxy survives', async (t) => {
  const { upstream, proxy } = await start(t, () => ({ status: 500, body: '<html>trace</html>' }), {
    Fail: async () => {
      throw new TypeError('broken');
    },
    Ask: (input, { send }) => send('Ask', input),
    Greet: async () => ({ hello: true }),
  });
  assert.equal((await call(proxy.url, 'Greeting_1.Fail', '{}')).status, 502);
  const failed = await call(proxy.url, 'Greeting_1.Ask', '{}');
  assert.equal(failed.status, 502);
  assert.match(`${failed.answer['message']}`, /Greeting_1\.Ask answered 500: <html>trace/);

  await upstream.stop();
  assert.equal((await call(proxy.url, 'Greeting_1.Ask', '{}')).status, 502);
  assert.equal((await fetch(proxy.url, { method: 'PUT', body: randomBytes(5_000_000) })).status, 502);
  assert.deepEqual((await call(proxy.url, 'Greeting_1.Greet', '{}')).answer, { hello: true });
});

const line = (method: string, path: string) => ({ method, path });

test('a bucket has the policy that it was given, until it is taken away', () => {
  const policies = bucketPolicies();
  const get = line('GET', '/photos?policy');
  assert.equal(policies.answer(get, '').status, 404);
  assert.equal(policies.answer(line('PUT', '/photos?policy='), '{"Version":"2012-10-17"}').status, 204);
  assert.deepEqual(policies.answer(get, ''), {
    status: 200,
    contentType: 'application/json',
    body: '{"Version":"2012-10-17"}',
  });
  assert.equal(policies.answer(line('GET', '/others?policy'), '').status, 404);
  assert.equal(policies.answer(line('DELETE', '/photos?policy'), '').status, 204);
  assert.match(policies.answer(get, '').body, /NoSuchBucketPolicy/);
});

test('objects and other settings of buckets are none of its business', () => {
  const policies = bucketPolicies();
  for (const path of ['/photos', '/photos/policy', '/photos?policyStatus', '/photos?versioning', '/?policy'])
    assert.equal(policies.concerns(line('GET', path)), false, path);
});

const rule = (id: string) =>
  `<item><securityGroupRuleId>${id}</securityGroupRuleId><tagSet><item><key>a</key></item></tagSet></item>`;
const form = (fields: Record<string, string>) => new URLSearchParams(fields);
const describe = form({ Action: 'DescribeSecurityGroupRules' });

test('a rule that names a group is described as it was made, and as it was changed', () => {
  const rules = ruleDescriptions();
  const made = {
    Action: 'AuthorizeSecurityGroupIngress',
    'IpPermissions.1.Groups.1.GroupId': 'sg-1',
    'IpPermissions.1.Groups.1.Description': 'port 80 <from> web',
  };
  rules.amend({ form: form(made), answer: rule('sgr-1a') });
  const answer = rules.amend({ form: describe, answer: rule('sgr-2b') + rule('sgr-1a') });
  assert.deepEqual(
    [...answer.matchAll(/(sgr-\w+)<\/securityGroupRuleId><description>(.*?)<\/description>/g)].map(
      ([, id, text]) => [id, text],
    ),
    [['sgr-1a', 'port 80 &lt;from> web']],
  );
  const changed = {
    Action: 'ModifySecurityGroupRules',
    'SecurityGroupRule.1.SecurityGroupRuleId': 'sgr-1a',
    'SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId': 'sg-1',
    'SecurityGroupRule.1.SecurityGroupRule.Description': 'changed',
  };
  rules.amend({ form: form(changed), answer: '<return>true</return>' });
  assert.match(rules.amend({ form: describe, answer: rule('sgr-1a') }), /<description>changed</);
});

test('it concerns only security group rules', () => {
  const rules = ruleDescriptions();
  for (const Action of [
    'DescribeSecurityGroupRules',
    'AuthorizeSecurityGroupEgress',
    'ModifySecurityGroupRules',
  ])
    assert.equal(rules.concerns(form({ Action })), true, Action);
  for (const Action of ['DescribeVpcs', 'CreateSecurityGroup', 'DescribeSecurityGroups', 'GetRole'])
    assert.equal(rules.concerns(form({ Action })), false, Action);
});
