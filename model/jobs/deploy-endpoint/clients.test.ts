import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import { ListEndpointConfigsCommand } from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { REGION } from '../../../tests/sagemaker/arns.ts';
import { createClients } from './clients.ts';

const address = z.object({ port: z.number() });

/** Clients of an AWS that never answers the first request, and every later one with an empty object. */
const startSilent = async (t: TestContext) => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    if (requests > 1) response.setHeader('content-type', 'application/json').end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${address.parse(server.address()).port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  const clients = createClients(REGION, 200);
  t.after(() => {
    process.env = before;
    for (const client of Object.values(clients)) client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { clients, requests: () => requests };
};

const CALLS = {
  SageMaker: ({ sageMaker }) => sageMaker.send(new ListEndpointConfigsCommand({})),
  'Application Auto Scaling': ({ scaling }) =>
    scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' })),
  'an endpoint': ({ runtime }) => runtime.send(new InvokeEndpointCommand({ EndpointName: 'e', Body: '{}' })),
} satisfies Record<string, (clients: ReturnType<typeof createClients>) => Promise<unknown>>;

for (const [name, call] of Object.entries(CALLS))
  test(`a call to ${name} that nobody answers is tried again`, { timeout: 10_000 }, async (t) => {
    const { clients, requests } = await startSilent(t);
    await call(clients);
    assert.equal(requests(), 2);
  });
