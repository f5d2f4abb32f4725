import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Logger } from 'pino';
import { refuseTarget, refuseUnreadable } from './refusals.ts';

export interface ServerOptions {
  /** A fetch handler, such as a Hono app's. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly port: number;
  readonly hostname: string;
  readonly log: Logger;
  /** Called once the last connection is closed. */
  readonly onStopped?: () => void;
}

export interface RunningServer {
  /** Where it listens, as a URL without a path. */
  readonly url: string;
  /** Answers what is in flight, refuses the rest, and resolves when every connection is closed. */
  readonly stop: (graceMilliseconds: number) => Promise<void>;
}

/** Longer than the 60 s for which an Application Load Balancer keeps an idle connection: shorter ones give 502s. */
const KEEP_ALIVE_MS = 65_000;

/** A photo over a slow mobile connection must fit. Node demands at least as much as for the headers. */
const REQUEST_TIMEOUT_MS = 120_000;

/** How long work in flight may take after a signal; ECS kills 30 s after SIGTERM, a person waits less. */
const GRACE_MS = { SIGTERM: 20_000, SIGINT: 3_000, disconnect: 3_000 } as const;

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

const close = (server: Server, graceMilliseconds: number) =>
  new Promise<void>((resolve) => {
    const hardClose = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
    server.close(() => {
      clearTimeout(hardClose);
      resolve();
    });
    server.closeIdleConnections();
  });

/**
 * Listens, and stops in order.
 *
 * @throws Error with one line that names the port and the variable that moves it, when the port is taken
 */
export const startServer = async ({ fetch, port, hostname, log }: ServerOptions): Promise<RunningServer> => {
  let stopping = false;
  const answer = async (request: Request): Promise<Response> => {
    const response = await fetch(request);
    // Tells a load balancer to open its next connection to somebody else.
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
    stop: async (graceMilliseconds) => {
      stopping = true;
      await close(server, graceMilliseconds);
      log.info('stopped');
    },
  };
};

/** Stops a server on SIGTERM, on Ctrl-C, and when the process that started it is gone; then ends the process. */
export const stopOnSignals = (server: RunningServer): void => {
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
