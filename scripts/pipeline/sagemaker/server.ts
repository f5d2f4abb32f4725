import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { autoscalingOperations } from './autoscaling.ts';
import { endpointConfigOperations } from './endpoint-configs.ts';
import { type EndpointsOptions, endpointOperations } from './endpoints.ts';
import { AwsError } from './errors.ts';
import { modelOperations } from './models.ts';
import type { Operation } from './operations.ts';
import { tagOperations } from './tags.ts';

/** What AWS's JSON protocol puts before an operation's name in the header X-Amz-Target. */
const SERVICES = { sageMaker: 'SageMaker', scaling: 'AnyScaleFrontendService' } as const;

const prefixed = (service: string, operations: Record<string, Operation>): [string, Operation][] =>
  Object.entries(operations).map(([name, operation]) => [`${service}.${name}`, operation]);

const respond = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(body));
};

const answer = async (operations: ReadonlyMap<string, Operation>, request: IncomingMessage) => {
  const target = String(request.headers['x-amz-target']);
  const operation = operations.get(target);
  if (!operation) throw new AwsError('UnknownOperationException', `There is no ${target} on this machine.`);
  const body: unknown = JSON.parse(await text(request));
  return operation(body);
};

export interface LocalSageMaker {
  readonly url: string;
  /** Resolves once what it has begun is done. */
  readonly stop: () => Promise<void>;
}

/**
 * Stands in for SageMaker's endpoints and Application Auto Scaling, as far as the deployment job calls them: JSON over
 * HTTP on a free port of this machine. Signatures are not checked.
 */
export const startSageMaker = async (options: EndpointsOptions): Promise<LocalSageMaker> => {
  const endpoints = endpointOperations(options);
  const operations = new Map([
    ...prefixed(SERVICES.sageMaker, {
      ...endpointConfigOperations(options.state, options.registry),
      ...endpoints.operations,
      ...modelOperations(options.registry),
      ...tagOperations(options.state),
    }),
    ...prefixed(SERVICES.scaling, autoscalingOperations(options.state)),
  ]);
  const server = createServer((request, response) => {
    answer(operations, request).then(
      (body) => respond(response, 200, body),
      (error: unknown) => {
        const known = error instanceof AwsError;
        const __type = known ? error.type : 'InternalFailure';
        respond(response, known ? 400 : 500, {
          __type,
          message: error instanceof Error ? error.message : String(error),
        });
      },
    );
  });
  const url = await new Promise<string>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('It listens on no TCP port.'));
      else resolve(`http://127.0.0.1:${address.port}`);
    });
  });
  const stop = async () => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await endpoints.settled();
  };
  return { url, stop };
};
