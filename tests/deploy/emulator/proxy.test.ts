import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { AwsError, operation, startLocalServer } from '../../../scripts/aws-double/protocol.ts';
import { overlays } from './emulator.ts';
import { anything, type Overlay } from './overlay/overlay.ts';
import { startProxy } from './proxy.ts';

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Reply = readonly [status: number, body: string | Buffer, headers?: Record<string, string>];

const SIGNED =
  'AWS4-HMAC-SHA256 Credential=key/20260101/ap-northeast-2/greeting/aws4_request, SignedHeaders=host, Signature=0';

/** Starts the proxy before a server that records what it receives and answers with `reply`, in moto's place. */
const start = async (
  t: TestContext,
  reply: (received: Received) => Reply = () => [200, '{}'],
  operations?: Overlay['operations'],
) => {
  const received: Received[] = [];
  const upstream = await startLocalServer(async (incoming, response) => {
    const { method, url: path, headers, rawHeaders } = incoming;
    const noted = { method, path, headers, rawHeaders, body: await buffer(incoming) };
    received.push(noted);
    const [status, body, answered] = reply(noted);
    response.writeHead(status, { ...answered, connection: 'close' }).end(body);
  });
  t.after(upstream.stop);
  const proxy = await startProxy(
    upstream.url,
    operations ? [{ service: 'Greeting_1', operations }] : overlays(),
  );
  t.after(proxy.stop);
  const send = async (headers: Record<string, string>, body: string | URLSearchParams) =>
    fetch(proxy.url, { method: 'POST', headers: { authorization: SIGNED, ...headers }, body });
  /** @returns the answer, or the name of an error */
  const call = async (target: string, input: unknown) => {
    const body = typeof input === 'string' ? input : JSON.stringify(input);
    const response = await send({ 'x-amz-target': target }, body);
    const answer = anything.parse(await response.json());
    return response.ok ? answer : `${response.status} ${answer['__type']}`;
  };
  const form = async (fields: Record<string, string>) => (await send({}, new URLSearchParams(fields))).text();
  return { url: proxy.url, upstream, received, call, form };
};

test('what no handler knows goes to the upstream and back, byte for byte', async (t) => {
  const [sent, returned] = [randomBytes(300_000), randomBytes(200_000)];
  const { url, received } = await start(t, () => [206, returned, { 'x-amz-id-2': 'abc' }]);
  const headers = {
    ...{ Host: 'b.s3.example', Authorization: SIGNED, 'X-Amz-Meta-Of': 'Rose' },
    Expect: '100-continue',
  };
  const outgoing = request(`${url}/b/a%20b?part=1&x=%2F`, { method: 'PUT', headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once('response', resolve).once('error', reject),
  );
  outgoing.write(sent.subarray(0, 1000));
  outgoing.end(sent.subarray(1000));
  const answer = await answered;
  assert.deepEqual(await buffer(answer), returned);
  assert.deepEqual([answer.statusCode, answer.headers['x-amz-id-2']], [206, 'abc']);
  const [{ body, method, path, rawHeaders = [] } = {}] = received;
  assert.deepEqual([body, method, path], [sent, 'PUT', '/b/a%20b?part=1&x=%2F']);
  for (const [name, value] of Object.entries(headers).slice(0, 3))
    assert.equal(rawHeaders[rawHeaders.indexOf(name) + 1], value, name);
});

test('an answer without a body passes through', async (t) => {
  const { url } = await start(t, () => [200, '', { 'content-length': '42' }]);
  assert.equal((await fetch(url, { method: 'HEAD' })).headers.get('content-length'), '42');
});

test('a handler answers its target alone, and changes what goes to the upstream and what comes back', async (t) => {
  const { call, received } = await start(t, () => [200, '{"a":1}'], {
    Greet: operation(anything, async (input, { region, send }) => ({
      ...anything.parse(await send('Welcome', { ...input, added: '한' })),
      region,
    })),
  });
  assert.deepEqual(await call('Greeting_1.Greet', { own: 1 }), { a: 1, region: 'ap-northeast-2' });
  const [{ headers = {}, body } = {}] = received;
  assert.deepEqual([headers['x-amz-target'], headers.authorization], ['Greeting_1.Welcome', SIGNED]);
  assert.deepEqual(JSON.parse(`${body}`), { own: 1, added: '한' });
  for (const other of ['Greeting_1.Leave', 'Greeting_2.Greet'])
    assert.deepEqual(await call(other, {}), { a: 1 });
});

test('refusals have the shape of AWS, failures are 502, and the proxy survives them', async (t) => {
  let reply: Reply = [400, '{"__type":"LimitExceeded","Message":"too many"}'];
  const { url, call, upstream } = await start(t, () => reply, {
    Refuse: async () => {
      throw new AwsError('NotFound', 'no such flower');
    },
    Fail: async () => {
      throw new TypeError('broken');
    },
    Check: operation(z.object({ name: z.string() }), () => ({})),
    Ask: (input, { send }) => send('Ask', input),
  });
  assert.equal(await call('Greeting_1.Refuse', {}), '400 NotFound');
  assert.equal(await call('Greeting_1.Check', { name: 1 }), '400 ValidationException');
  assert.equal(await call('Greeting_1.Check', '{'), '400 SerializationException');
  assert.equal(await call('Greeting_1.Ask', {}), '400 LimitExceeded');
  assert.equal(await call('Greeting_1.Fail', {}), '502 InternalFailure');
  reply = [500, '<html>trace</html>'];
  assert.equal(await call('Greeting_1.Ask', {}), '502 InternalFailure');
  await upstream.stop();
  assert.equal(await call('Greeting_1.Ask', {}), '502 InternalFailure');
  assert.equal((await fetch(url, { method: 'PUT', body: randomBytes(5_000_000) })).status, 502);
  assert.deepEqual(await call('Greeting_1.Check', { name: 'a' }), {});
});

test('a bucket has the policy that it was given, until it is taken away', async (t) => {
  const { url, received } = await start(t);
  const policy = async (method: string, bucket: string, body?: string) => {
    const response = await fetch(`${url}/${bucket}?policy`, { method, ...(body && { body }) });
    return [response.status, await response.text()];
  };
  await policy('PUT', 'photos', '{"Version":"2012-10-17"}');
  assert.deepEqual(await policy('GET', 'photos'), [200, '{"Version":"2012-10-17"}']);
  assert.equal((await policy('GET', 'others'))[0], 404);
  await policy('DELETE', 'photos');
  assert.match(String(await policy('GET', 'photos')), /^404,.*NoSuchBucketPolicy/s);
  assert.equal(received.length, 0);
  for (const path of ['photos/policy', 'photos?policyStatus', '?policy']) await fetch(`${url}/${path}`);
  assert.equal(received.length, 3);
});

test('a rule that names a group is described as it was made, and as it was changed', async (t) => {
  const rules =
    '<securityGroupRuleId>sgr-1a</securityGroupRuleId><securityGroupRuleId>sgr-2b</securityGroupRuleId>';
  const { form } = await start(t, () => [200, rules]);
  const described = async (fields: Record<string, string>) =>
    [...(await form(fields)).matchAll(/(sgr-\w+)<\/securityGroupRuleId><description>(.*?)</g)].map(
      ([, id, text]) => `${id}: ${text}`,
    );
  const made = {
    Action: 'AuthorizeSecurityGroupIngress',
    'IpPermissions.1.Groups.1.GroupId': 'sg-1',
    'IpPermissions.1.Groups.1.Description': 'port 80 <from> web',
  };
  const changed = {
    Action: 'ModifySecurityGroupRules',
    'SecurityGroupRule.1.SecurityGroupRuleId': 'sgr-1a',
    'SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId': 'sg-1',
    'SecurityGroupRule.1.SecurityGroupRule.Description': 'changed',
  };
  assert.deepEqual(await described(made), ['sgr-1a: port 80 &lt;from> web']);
  await form(changed);
  assert.deepEqual(await described({ Action: 'DescribeSecurityGroupRules' }), ['sgr-1a: changed']);
  assert.deepEqual(await described({ Action: 'DescribeVpcs' }), []);
});

const failing = { Name: 'A', Type: 'Fail', Arguments: { ErrorMessage: { Get: 'Parameters.Why' } } };
const definition = { Version: '2020-12-01', Metadata: {}, Steps: [failing] };
const why = { Name: 'Why', Type: 'String', DefaultValue: 'No.' };
for (const [what, PipelineDefinition, expected] of [
  ['a sound one', JSON.stringify({ ...definition, Parameters: [why] }), {}],
  ['what is not JSON', '{', '400 ValidationException'],
  ['a missing parameter', JSON.stringify({ ...definition, Parameters: [] }), '400 ValidationException'],
  [
    'a step that depends on none',
    JSON.stringify({ ...definition, Parameters: [why], Steps: [{ ...failing, DependsOn: ['B'] }] }),
    '400 ValidationException',
  ],
] as const)
  test(`SageMaker's answer to a pipeline definition of ${what}`, async (t) => {
    const { call, received } = await start(t);
    for (const name of ['CreatePipeline', 'UpdatePipeline'])
      assert.deepEqual(await call(`SageMaker.${name}`, { PipelineDefinition }), expected);
    assert.equal(received.length, typeof expected === 'string' ? 0 : 2);
  });

test('a Studio domain cannot go before its user profiles', async (t) => {
  const { call } = await start(t);
  const { DomainId } = anything.parse(await call('SageMaker.CreateDomain', { DomainName: 'studio' }));
  const profile = { DomainId, UserProfileName: 'engineer' };
  await call('SageMaker.CreateUserProfile', profile);
  assert.equal(await call('SageMaker.DeleteDomain', { DomainId }), '400 ResourceInUse');
  await call('SageMaker.DeleteUserProfile', profile);
  assert.deepEqual(await call('SageMaker.DeleteDomain', { DomainId }), {});
  assert.equal(await call('SageMaker.DescribeDomain', { DomainId }), '400 ResourceNotFound');
});

test('CodePipeline refuses an action that reads what no earlier one wrote', async (t) => {
  const { call } = await start(t);
  for (const [artifact, expected] of [
    ['source', {}],
    ['image', '400 InvalidStructureException'],
  ] as const) {
    const source = { name: 'Source', outputArtifacts: [{ name: 'source' }] };
    const build = {
      name: 'Build',
      inputArtifacts: [{ name: artifact }],
      outputArtifacts: [{ name: 'image' }],
    };
    const pipeline = { stages: [{ name: 'All', actions: [source, build] }] };
    assert.deepEqual(await call('CodePipeline_20150709.CreatePipeline', { pipeline }), expected);
  }
});

test('ECS answers with the lists of capabilities that a task definition left out', async (t) => {
  const containers = (capabilities: object) => [{ name: 'web', linuxParameters: { capabilities } }];
  const taskDefinition = { containerDefinitions: containers({ drop: ['ALL'] }) };
  const { call } = await start(t, () => [200, JSON.stringify({ taskDefinition })]);
  assert.deepEqual(await call('AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition', {}), {
    taskDefinition: { containerDefinitions: containers({ add: [], drop: ['ALL'] }) },
  });
});

test('EventBridge takes a topic as a target only if its messages pass both policies, without a condition', async (t) => {
  const { call, form } = await start(t, () => [200, '{"KeyMetadata":{"KeyId":"1"}}']);
  const allow = (Action: string, Condition?: object) =>
    JSON.stringify({
      Statement: [{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action, Condition }],
    });
  const condition = { StringEquals: { 'aws:SourceAccount': '123456789012' } };
  const TopicArn = 'arn:aws:sns:ap-northeast-2:123456789012:alarms';
  const target = () =>
    call('AWSEvents.PutTargets', { Rule: 'failed', Targets: [{ Id: 'a', Arn: TopicArn }] });
  const setPolicy = (policy: string) =>
    form({ Action: 'SetTopicAttributes', TopicArn, AttributeName: 'Policy', AttributeValue: policy });
  await call('TrentService.CreateKey', { Policy: allow('kms:GenerateDataKey', condition) });
  await form({
    Action: 'CreateTopic',
    Name: 'alarms',
    'Attributes.entry.1.key': 'KmsMasterKeyId',
    'Attributes.entry.1.value': 'arn:aws:kms:ap-northeast-2:123456789012:key/1',
  });
  await setPolicy(allow('sns:Publish', condition));
  assert.equal(await target(), '400 ValidationException');
  await setPolicy(allow('sns:Publish'));
  assert.equal(await target(), '400 ValidationException', "its key's policy has a condition");
  await call('TrentService.PutKeyPolicy', { KeyId: '1', Policy: allow('kms:GenerateDataKey') });
  assert.notEqual(await target(), '400 ValidationException');
});
