import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { AwsError } from './aws-error.ts';
import { ControlPlane, type ControlPlaneOptions } from './control-plane.ts';
import { isOperation } from './operations.ts';

const address = z.object({ port: z.number() });
const INVOCATION = /^\/endpoints\/([^/]+)\/invocations$/;

/** What a request asks for: InvokeEndpoint by its path, everything else by the header X-Amz-Target. */
const readCall = async (request: IncomingMessage): Promise<{ name: string; input: unknown }> => {
  const body = await text(request);
  const [, EndpointName] = INVOCATION.exec(request.url ?? '') ?? [];
  if (EndpointName !== undefined) return { name: 'InvokeEndpoint', input: { EndpointName, Body: body } };
  const target = String(request.headers['x-amz-target']);
  return { name: target.slice(target.indexOf('.') + 1), input: JSON.parse(body) };
};

const answer = async (
  plane: ControlPlane,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { name, input } = await readCall(request);
  try {
    if (!isOperation(name))
      throw new AwsError('UnknownOperationException', `The control plane does not know ${name}.`);
    const result = plane.perform(name, input);
    response.setHeader(
      'content-type',
      name === 'InvokeEndpoint' ? 'application/json' : 'application/x-amz-json-1.1',
    );
    response.end(typeof result === 'string' ? result : JSON.stringify(result));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    response.writeHead(error.status, { 'x-amzn-errortype': error.code });
    response.end(
      JSON.stringify({
        __type: error.code,
        message: error.message,
        Message: error.message,
        ...error.fields,
      }),
    );
  }
};

/**
 * A control plane that listens on a free port for as long as the test lasts. It speaks for SageMaker, its runtime, and
 * Application Auto Scaling.
 */
export const startControlPlane = async (
  t: TestContext,
  options: ControlPlaneOptions,
): Promise<{ plane: ControlPlane; url: string; server: Server }> => {
  const plane = new ControlPlane(options);
  const server = createServer((request, response) => void answer(plane, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { plane, server, url: `http://127.0.0.1:${address.parse(server.address()).port}` };
};
