import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import { ListEndpointConfigsCommand } from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import { sendJson, startLocalServer } from '../../../scripts/aws-double/protocol.ts';
import { createDeployClients, type DeployClients } from './context.ts';

/** Clients of an AWS that never answers the first request, and every later one with an empty object. */
const startSilent = async (t: TestContext) => {
  let requests = 0;
  const { url, stop } = await startLocalServer((_, response) => {
    requests++;
    if (requests > 1) sendJson(response, {});
  });
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  const clients = createDeployClients('ap-northeast-2', 200);
  t.after(() => {
    process.env = before;
    for (const client of Object.values(clients)) client.destroy();
    return stop();
  });
  return { clients, requests: () => requests };
};

const CALLS = {
  SageMaker: ({ sageMaker }) => sageMaker.send(new ListEndpointConfigsCommand({})),
  'Application Auto Scaling': ({ scaling }) =>
    scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' })),
  'an endpoint': ({ runtime }) => runtime.send(new InvokeEndpointCommand({ EndpointName: 'e', Body: '{}' })),
} satisfies Record<string, (clients: DeployClients) => Promise<unknown>>;

for (const [name, call] of Object.entries(CALLS))
  test(`a call to ${name} that is not answered is tried again`, { timeout: 10_000 }, async (t) => {
    const { clients, requests } = await startSilent(t);
    await call(clients);
    assert.equal(requests(), 2);
  });
