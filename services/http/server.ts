import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Logger } from 'pino';
import { ProblemError, problemBody } from './problem.ts';

export interface ServerOptions {
  /** A fetch handler, such as a Hono app's. It is given Node's own request and response, too. */
  readonly fetch: (request: Request, bindings: object) => Response | Promise<Response>;
  /** 0 takes a free one. */
  readonly port: number;
  readonly hostname: string;
  readonly log: Logger;
}

export interface RunningServer {
  /** Where it listens, as a URL without a path. */
  readonly url: string;
  /** Answers what is in flight, for `graceMs` at most, refuses the rest, and resolves once all connections are closed. */
  readonly stop: (graceMs: number) => Promise<void>;
}

/** Longer than the 60 s for which an Application Load Balancer keeps an idle connection: shorter ones give 502s. */
const KEEP_ALIVE_MS = 65_000;

/** A photo over a slow mobile connection must fit. Node demands at least as much as for the headers. */
const REQUEST_TIMEOUT_MS = 120_000;

/** Time for work in flight after a signal; ECS kills 30 s after SIGTERM, a person waits less. */
const GRACE_MS = { SIGTERM: 20_000, SIGINT: 3_000, disconnect: 3_000 } as const;

/** Headers of a problem with what never becomes a request that a service could answer. */
const REFUSAL_HEADERS = { 'Content-Type': 'application/problem+json', Connection: 'close' };

const malformed = (whatIsWrong: string) =>
  new ProblemError('malformed-request', `This is not a readable HTTP request: ${whatIsWrong}.`);

const toParserProblem = (code: string | undefined): ProblemError => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const advice = 'Send a smaller version of the photo, or try again where the connection is better.';
    return new ProblemError('too-slow', `The request did not arrive in time. ${advice}`);
  }
  return malformed(code === 'HPE_HEADER_OVERFLOW' ? 'its headers are too large' : `${code}`);
};

/** Answers what Node's parser gives up on, which goes to the server's event `clientError`. */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = toParserProblem(error.code);
  const body = JSON.stringify(problemBody(problem));
  const headers = Object.entries({ ...REFUSAL_HEADERS, 'Content-Length': Buffer.byteLength(body) });
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};

/** Answers a request whose target and Host make no URL: the adapter does not pass it to a service. */
const refuseTarget = (error: unknown): Response => {
  if (!(error instanceof RequestError)) throw error;
  const problem = malformed('its target and its header Host make no URL');
  const { status } = problem;
  return new Response(JSON.stringify(problemBody(problem)), { status, headers: REFUSAL_HEADERS });
};

const listen = (server: Server, port: number, hostname: string) =>
  new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const busy = `Port ${port} is already in use on ${hostname}. Stop what listens there, or choose another port with the variable PORT.`;
      reject(error.code === 'EADDRINUSE' ? new Error(busy, { cause: error }) : error);
    });
    server.listen(port, hostname, () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        throw new Error('The server listens on no TCP port.');
      resolve(address);
    });
  });

const close = (server: Server, graceMs: number) =>
  new Promise<void>((resolve) => {
    const hardClose = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(hardClose);
      resolve();
    });
    server.closeIdleConnections();
  });

/**
 * Serves a fetch handler over HTTP.
 *
 * @throws Error with one line that names the port and the variable that moves it, when the port is taken
 * @example
 * const fetchHandler = () => new Response('hello');
 * const server = await startServer({ fetch: fetchHandler, port: 0, hostname: '127.0.0.1', log });
 * await (await fetch(server.url)).text(); // => 'hello'
 * await server.stop(1000);
 */
export const startServer = async ({ fetch, port, hostname, log }: ServerOptions): Promise<RunningServer> => {
  let stopping = false;
  const answer = async (request: Request, bindings: object): Promise<Response> => {
    const response = await fetch(request, bindings);
    // Tells a load balancer to open its next connection to another task.
    if (stopping) response.headers.set('Connection', 'close');
    return response;
  };
  const server = createServer(
    // Without a Host, Node itself would answer, and with nothing in it.
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS, requireHostHeader: false },
    getRequestListener(answer, { errorHandler: refuseTarget }),
  );
  server.on('clientError', refuseUnreadable);
  const address = await listen(server, port, hostname);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  const url = `http://${host}:${address.port}`;
  log.info({ url }, 'listening');
  return {
    url,
    stop: async (graceMs) => {
      stopping = true;
      await close(server, graceMs);
      log.info('stopped');
    },
  };
};

/** Stops a server on SIGTERM, on Ctrl-C, and when the parent process is gone; then ends the process. */
const stopOnSignals = (server: RunningServer): void => {
  let stopping = false;
  const stopOn = (event: keyof typeof GRACE_MS) =>
    process.once(event, async () => {
      if (stopping) return;
      stopping = true;
      await server.stop(GRACE_MS[event]);
      process.exit(0);
    });
  stopOn('SIGTERM');
  stopOn('SIGINT');
  stopOn('disconnect');
};

export interface RunServiceOptions {
  /** Begins the message of a service that cannot start. */
  readonly name: string;
  readonly start: () => Promise<RunningServer>;
}

/**
 * Runs a service as a process: starts it, sends its URL to the parent (if any), stops on signals. A service that cannot
 * start says why in one line and exits with 1.
 */
export const runService = async ({ name, start }: RunServiceOptions): Promise<void> => {
  try {
    const server = await start();
    stopOnSignals(server);
    process.send?.({ url: server.url });
  } catch (error) {
    process.stderr.write(`${name} cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
};
