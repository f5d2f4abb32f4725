import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { startLocalServer } from '../../../scripts/aws-double/protocol.ts';
import { overlays } from './emulator.ts';
import { anything } from './overlay/overlay.ts';
import { startProxy } from './proxy.ts';

/** What the emulator refuses as AWS does. That it passes everything else on is held by the tests of the deployment. */

const SIGNED =
  'AWS4-HMAC-SHA256 Credential=key/20260101/ap-northeast-2/greeting/aws4_request, SignedHeaders=host, Signature=0';

/** Starts the proxy before a server that answers everything alike, in moto's place. */
const start = async (t: TestContext, reply = '{}') => {
  const upstream = await startLocalServer(async (incoming, response) => {
    await buffer(incoming);
    response.writeHead(reply.startsWith('{') ? 200 : 500, { connection: 'close' }).end(reply);
  });
  t.after(upstream.stop);
  const proxy = await startProxy(upstream.url, overlays());
  t.after(proxy.stop);
  const send = async (headers: Record<string, string>, body: string | URLSearchParams) =>
    fetch(proxy.url, { method: 'POST', headers: { authorization: SIGNED, ...headers }, body });
  /** @returns the answer, or the name of an error */
  const call = async (target: string, input: unknown) => {
    const response = await send({ 'x-amz-target': target }, JSON.stringify(input));
    const answer = anything.parse(await response.json());
    return response.ok ? answer : `${response.status} ${answer['__type']}`;
  };
  const form = async (fields: Record<string, string>) => (await send({}, new URLSearchParams(fields))).text();
  return { call, form };
};

const failing = { Name: 'A', Type: 'Fail', Arguments: { ErrorMessage: { Get: 'Parameters.Why' } } };
const definition = { Version: '2020-12-01', Metadata: {}, Steps: [failing] };
const why = { Name: 'Why', Type: 'String', DefaultValue: 'No.' };
const source = { name: 'Source', outputArtifacts: [{ name: 'source' }] };
const readsFrom = (name: string) => ({
  pipeline: { stages: [{ name: 'All', actions: [source, { name: 'Build', inputArtifacts: [{ name }] }] }] },
});

for (const [what, target, input, expected] of [
  [
    'a sound definition',
    'SageMaker.CreatePipeline',
    { PipelineDefinition: JSON.stringify({ ...definition, Parameters: [why] }) },
    {},
  ],
  [
    'a step that depends on none',
    'SageMaker.UpdatePipeline',
    {
      PipelineDefinition: JSON.stringify({
        ...{ ...definition, Parameters: [why] },
        Steps: [{ ...failing, DependsOn: ['B'] }],
      }),
    },
    '400 ValidationException',
  ],
  ['an action that reads what is written', 'CodePipeline_20150709.CreatePipeline', readsFrom('source'), {}],
  [
    'one that reads what no earlier one wrote',
    'CodePipeline_20150709.CreatePipeline',
    readsFrom('image'),
    '400 InvalidStructureException',
  ],
] as const)
  test(`the answer to a pipeline of ${what}`, async (t) => {
    const { call } = await start(t);
    assert.deepEqual(await call(target, input), expected);
  });

test('a failure of the emulator is 502, not an answer of AWS', async (t) => {
  const { call } = await start(t, '<html>trace</html>');
  assert.equal(await call('CodePipeline_20150709.GetPipeline', {}), '502 InternalFailure');
});

test('ECS answers with both lists of capabilities, of which a definition has one', async (t) => {
  const linuxParameters = { capabilities: { drop: ['ALL'] } };
  const reply = { taskDefinition: { containerDefinitions: [{ linuxParameters }] } };
  const { call } = await start(t, JSON.stringify(reply));
  const answer = await call('AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition', {});
  assert.match(JSON.stringify(answer), /"capabilities":\{"add":\[\],"drop":\["ALL"\]\}/);
});

test('EventBridge takes a topic as a target only if its messages pass both policies, without a condition', async (t) => {
  const { call, form } = await start(t, '{"KeyMetadata":{"KeyId":"1"}}');
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
