import type { Logger } from 'pino';
import { PATHS } from '../contract/services.ts';
import { type App, createApp } from '../http/app.ts';
import { classifyRoute } from './classify-route.ts';
import { createPages } from './pages.ts';
import { wasHealthRoute } from './was-health-route.ts';

export interface WebAppOptions {
  readonly log: Logger;
  /** The WAS to ask, as an http(s) URL without a slash at its end. */
  readonly wasUrl: string;
  /** What `GET /version` answers. */
  readonly version: string;
  /**
   * How the WAS is reached.
   * @default globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * How long the WAS may take to read what was sent to it or to classify it, in milliseconds.
   * @default 30_000, half of what a load balancer waits
   */
  readonly classifyPatience?: number;
  /**
   * How long the WAS may take to answer its health check, in milliseconds.
   * @default 1_500
   */
  readonly healthPatience?: number;
}

/** The pages load nothing but their own files, run no inline code, and are framed by nobody. */
const HEADERS = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'blob:', 'data:'],
    connectSrc: ["'self'"],
    formAction: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
  // Behind a load balancer without a certificate, browsers ignore these two and complain in the console.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
};

/** The web service as a fetch handler: the page, and the edge in front of the WAS. */
export const createWebApp = ({
  log,
  wasUrl,
  version,
  fetch = globalThis.fetch,
  classifyPatience = 30_000,
  healthPatience = 1_500,
}: WebAppOptions): App => {
  const app = createApp({ log, headers: HEADERS });
  app.get(PATHS.health, (context) => context.json({ status: 'ok' }));
  app.get('/version', (context) => context.json({ version }));
  app.get('/was/health', wasHealthRoute({ wasUrl, fetch, patience: healthPatience }));
  app.post(PATHS.classify, classifyRoute({ log, wasUrl, fetch, patience: classifyPatience }));
  app.route('/', createPages({ version }));
  return app;
};
