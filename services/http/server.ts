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
  /** A fetch handler, such as a Hono app's. It is given Node's own request and response, too. */
  readonly fetch: (request: Request, bindings: object) => Response | Promise<Response>;
  /** 0 takes a free one. */
  readonly port: number;
  readonly hostname: string;
  readonly log: Logger;
  /** Refuses what is too much at once before `fetch` hears of it. @default - `fetch` is given everything */
  readonly shedding?: Shedding;
}

export interface RunningServer {
  /** Where it listens, as a URL without a path. */
  readonly url: string;
  /**
   * For `lameDuckMs` (0 by default), all is answered as before, but with `Connection: close`, so that load balancers
   * move on. Then what is in flight is answered, for `graceMs` at most, and the rest refused. Resolves once all
   * connections are closed.
   */
  readonly stop: (graceMs: number, lameDuckMs?: number) => Promise<void>;
}

/** Longer than the 60 s for which an Application Load Balancer keeps an idle connection: shorter ones give 502s. */
const KEEP_ALIVE_MS = 65_000;

/** A photo over a slow mobile connection must fit. Node demands at least as much as for the headers. */
const REQUEST_TIMEOUT_MS = 120_000;

/** After SIGTERM there is time; a person waits less. */
const STOP_MS = {
  SIGTERM: { lameDuck: 1000 * STOP_SECONDS.lameDuck, grace: 1000 * STOP_SECONDS.inFlight },
  SIGINT: { lameDuck: 0, grace: 3_000 },
  disconnect: { lameDuck: 0, grace: 3_000 },
} as const;

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

/** A turn of the event loop that is shorter than this, in milliseconds, had nothing to do. */
const QUIET_MS = 0.2;
const MAX_TURNS = 2_000;

/** Resolves when what has connected is accepted, and what has arrived is read: to close just then loses nothing. */
const quietMoment = async (): Promise<void> => {
  let before = performance.now();
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    await setImmediate();
    const now = performance.now();
    if (now - before < QUIET_MS) return;
    before = now;
  }
};

/** Long enough for each of many clients to ask once more. */
const SETTLE_MS = 500;

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
    // It would close the connection after half a second: see `drainAfterAnswer`.
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
    // Without a Host, Node itself would answer, and with nothing in it.
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS, requireHostHeader: false },
    (incoming, outgoing) => answer(incoming, outgoing),
  )
    .on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) =>
      answer(incoming, outgoing, () => {
        // A client that asks before it sends need not send what is too large; it may then not use the connection again.
        if (Number(incoming.headers['content-length']) > MAX_PHOTOS_BODY_BYTES)
          outgoing.shouldKeepAlive = false;
        else outgoing.writeContinue();
      }),
    )
    .on('checkExpectation', refuseExpectation)
    .on('connect', refuseTunnel)
    .on('clientError', refuseUnreadable);
  /** The answers to come, also of requests that are there already, are the last of their connections. */
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
      // Clients that keep connections do not connect at the moment at which the service ceases to listen, and is deaf
      // to those that the system has accepted for it.
      isLastAnswer = settleMs === 0;
      await sleep(settleMs);
      await quietMoment();
      const closed = once(server, 'close');
      // Unlike that of an HTTP server, it leaves idle connections open.
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

/** Stops a server on SIGTERM, on Ctrl-C, and when the parent process is gone; then ends the process. */
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
