import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { json } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { z } from 'zod';

/** An answer of AWS that the SDK turns into an exception. */
export class FakeAwsError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

type Input = Record<string, unknown>;
/** What AWS does on an operation, such as `DescribeServices`. */
export type Operations = Readonly<Record<string, (input: Input) => unknown>>;

const operationName = (request: IncomingMessage): string =>
  String(request.headers['x-amz-target'] ?? '')
    .split('.')
    .pop() ?? '';

const address = z.object({ port: z.number() });

/** Listens on a free port for as long as the test lasts. */
export const listen = async (t: TestContext, listener: RequestListener): Promise<number> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return address.parse(server.address()).port;
};

/**
 * A service of AWS with its JSON protocol; it lives as long as the test.
 *
 * @returns settings of an SDK client, and the calls
 */
export const startFakeAws = async (t: TestContext, operations: Operations) => {
  const calls: { operation: string; input: Input }[] = [];
  const port = await listen(t, async (request, response) => {
    const operation = operationName(request);
    const input = z.record(z.string(), z.unknown()).parse(await json(request));
    calls.push({ operation, input });
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      const answer = operations[operation];
      if (!answer)
        throw new FakeAwsError('UnknownOperationException', `The test does not answer ${operation}.`);
      response.end(JSON.stringify(answer(input) ?? {}));
    } catch (error) {
      if (!(error instanceof FakeAwsError)) throw error;
      response.statusCode = 400;
      response.end(JSON.stringify({ __type: error.code, message: error.message }));
    }
  });
  return { calls, client: clientSettings(port) };
};

/** Settings of an SDK client that talks to a port of this machine. */
export const clientSettings = (port: number) => ({
  region: 'ap-northeast-2',
  endpoint: `http://127.0.0.1:${port}`,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
});

/** Seconds as the JSON protocol writes a time. */
export const seconds = (iso: string): number => Date.parse(iso) / 1000;

/** Waits that collect what they report. */
export const quickly = (onLog: (log: string) => void = () => {}) => ({
  intervalMs: 1,
  limitMs: 5000,
  report: (line: string, log = line) => onLog(log),
});

/**
 * S3, as far as putting objects goes.
 *
 * @returns settings of a client, and the paths that were put
 */
export const startFakeS3 = async (t: TestContext) => {
  const uploads: string[] = [];
  const port = await listen(t, (request, response) => {
    uploads.push(new URL(request.url ?? '', 'http://s3').pathname);
    request.resume().on('end', () => response.end());
  });
  return { uploads, client: clientSettings(port) };
};
