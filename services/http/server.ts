import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import type { Logger } from 'pino';
import { MAX_PHOTOS_BODY_BYTES, STOP_SECONDS } from '../contract.ts';
import { drainAfterAnswer } from './drain.ts';
import {
  findFault,
  refuse,
  refuseExpectation,
  refuseTarget,
  refuseTunnel,
  refuseUnreadable,
  rememberExchange,
} from './refusals.ts';
import type { Shedding } from './shedding.ts';

export interface ServerOptions {
  /** A fetch handler, such as a Hono app's. It also receives Node's own request and response. */
  readonly fetch: (request: Request, bindings: object) => Response | Promise<Response>;
  /** 0 picks a free one. */
  readonly port: number;
  readonly hostname: string;
  readonly log: Logger;
  /** Refuses what is too much at once before `fetch` hears of it. @default - `fetch` is given everything */
  readonly shedding?: Shedding;
}

export interface RunningServer {
  /** The address it listens on, as a URL without a path. */
  readonly url: string;
  /**
   * For `lameDuckMs` (0 by default), keeps answering, but with `Connection: close`, so that load balancers move on.
   * Then stops listening and finishes the requests in flight, for `graceMs` at most. Resolves once all connections are
   * closed.
   */
  readonly stop: (graceMs: number, lameDuckMs?: number) => Promise<void>;
}

/** Longer than the 60 s that an Application Load Balancer keeps idle connections: anything shorter causes 502s. */
const KEEP_ALIVE_MS = 65_000;

/** Enough for a photo over a slow mobile connection. Node requires at least the timeout for headers. */
const REQUEST_TIMEOUT_MS = 120_000;

/** There is time after SIGTERM; a person at a terminal waits less. */
const STOP_MS = {
  SIGTERM: { lameDuck: 1000 * STOP_SECONDS.lameDuck, grace: 1000 * STOP_SECONDS.inFlight },
  SIGINT: { lameDuck: 0, grace: 3_000 },
  disconnect: { lameDuck: 0, grace: 3_000 },
} as const;

const listen = (server: Server, port: number, hostname: string) =>
  new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const busy = `Port ${port} is already in use on ${hostname}. Stop the process that is listening there, or choose another port with the variable PORT.`;
      reject(error.code === 'EADDRINUSE' ? new Error(busy, { cause: error }) : error);
    });
    server.listen(port, hostname, () => {
      const address = server.address();
      if (address === null || typeof address === 'string')
        throw new Error('The server is not listening on a TCP port.');
      resolve(address);
    });
  });

/** An event loop iteration shorter than this, in milliseconds, was idle. */
const QUIET_MS = 0.2;
const MAX_TURNS = 2_000;

/** Resolves when all connections are accepted and all arrived data is read, so that closing loses nothing. */
const quietMoment = async (): Promise<void> => {
  let before = performance.now();
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    await setImmediate();
    const now = performance.now();
    if (now - before < QUIET_MS) return;
    before = now;
  }
};

/** Long enough for each of many clients to send one more request. */
const SETTLE_MS = 500;

/**
 * Serves a fetch handler over HTTP.
 *
 * @throws Error that names the port and the variable to change it, when the port is in use
 * @example
 * const fetchHandler = () => new Response('hello');
 * const server = await startServer({ fetch: fetchHandler, port: 0, hostname: '127.0.0.1', log });
 * await (await fetch(server.url)).text(); // => 'hello'
 * await server.stop(1000);
 */
export const startServer = async ({
  fetch,
  port,
  hostname,
  log,
  shedding,
}: ServerOptions): Promise<RunningServer> => {
  let isLastAnswer = false;
  const unanswered = new Set<ServerResponse>();
  const passOn = getRequestListener(fetch, {
    errorHandler: refuseTarget,
    // HTTP/1.0 needs no Host.
    hostname: 'localhost',
    // The adapter would close the connection after half a second: see `drainAfterAnswer`.
    autoCleanupIncoming: false,
  });
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse, begin = () => {}): void => {
    unanswered.add(outgoing);
    outgoing.once('close', () => unanswered.delete(outgoing));
    if (isLastAnswer) outgoing.shouldKeepAlive = false;
    rememberExchange(incoming, outgoing);
    drainAfterAnswer(incoming, outgoing);
    const fault = findFault(incoming);
    if (fault) refuse(fault, outgoing);
    else if (!shedding?.refuse(incoming, outgoing)) {
      begin();
      void passOn(incoming, outgoing);
    }
  };
  const server = createServer(
    // Node would answer a request without Host itself, with an empty body.
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS, requireHostHeader: false },
    (incoming, outgoing) => answer(incoming, outgoing),
  )
    .on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) =>
      answer(incoming, outgoing, () => {
        // A client that asks first need not send a body that is too large. It cannot reuse the connection afterwards.
        if (Number(incoming.headers['content-length']) > MAX_PHOTOS_BODY_BYTES)
          outgoing.shouldKeepAlive = false;
        else outgoing.writeContinue();
      }),
    )
    .on('checkExpectation', refuseExpectation)
    .on('connect', refuseTunnel)
    .on('clientError', refuseUnreadable);
  /** Makes all further answers, including those to pending requests, the last on their connections. */
  const askToClose = () => {
    isLastAnswer = true;
    for (const outgoing of unanswered) outgoing.shouldKeepAlive = false;
  };
  const address = await listen(server, port, hostname);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  const url = `http://${host}:${address.port}`;
  log.info({ url }, 'listening');
  return {
    url,
    stop: async (graceMs, lameDuckMs = 0) => {
      const settleMs = Math.min(lameDuckMs, SETTLE_MS);
      askToClose();
      await sleep(lameDuckMs);
      // The kernel accepts connections that the service will never see once it stops listening. Clients that keep
      // their connections do not open new ones at that moment.
      isLastAnswer = settleMs === 0;
      await sleep(settleMs);
      await quietMoment();
      const closed = once(server, 'close');
      // Unlike the HTTP server's own `close`, this leaves idle connections open.
      NetServer.prototype.close.call(server);
      askToClose();
      await sleep(settleMs);
      await quietMoment();
      server.closeIdleConnections();
      const hardClose = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(hardClose);
      log.info('stopped');
    },
  };
};

/** Stops a server on SIGTERM, on Ctrl-C, and when the parent process disconnects; then exits. */
const stopOnSignals = (server: RunningServer): void => {
  let stopping = false;
  for (const [event, { grace, lameDuck }] of Object.entries(STOP_MS))
    process.once(event, async () => {
      if (stopping) return;
      stopping = true;
      await server.stop(grace, lameDuck);
      process.exit(0);
    });
};

export interface RunServiceOptions {
  /** The service's name, for the message when it cannot start. */
  readonly name: string;
  readonly start: () => Promise<RunningServer>;
}

/**
 * Runs a service as a process: starts it, sends its URL to the parent (if any) and stops on signals. If it cannot
 * start, prints one line that says why, and exits with 1.
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
