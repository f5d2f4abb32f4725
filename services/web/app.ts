import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import { describeRoute } from 'hono-openapi';
import type { Logger } from 'pino';
import { MAX_BODY_BYTES, MAX_PHOTOS_BODY_BYTES, PATHS } from '../contract.ts';
import { type App, createApp } from '../http/app.ts';
import type { Metrics } from '../http/metrics.ts';
import { type ApiKeys, requireKey } from './api-keys.ts';
import { createPages } from './pages.ts';
import { passOn } from './pass-on.ts';
import { limitPhotos } from './photo-limit.ts';
import { createReference, ROUTES } from './reference.ts';
import { WasClient } from './was-client.ts';
import { wasHealthRoute } from './was-health.ts';

export interface WebAppOptions {
  readonly log: Logger;
  /** Where the WAS is: an http(s) URL without a trailing slash. */
  readonly wasUrl: string;
  /** The answer to `GET /version`, also at the foot of the page. */
  readonly version: string;
  /** @default - requests are not counted */
  readonly metrics?: Metrics;
  /** Keys that may call `/v1/*`. @default - no key is needed */
  readonly keys?: ApiKeys | undefined;
  /** Whether `POST /classify/image`, which the page uses, needs no key even so. @default true */
  readonly openPage?: boolean;
  /** Photos per minute for each key. @default 600 */
  readonly photosPerMinute?: number;
  /** Origins whose pages may call the API. @default - only our own */
  readonly corsOrigins?: readonly string[];
  /**
   * How long the WAS may take to read the upload, or to answer, in milliseconds.
   * @default 30_000, half of the load balancer's timeout
   */
  readonly classifyTimeoutMs?: number;
  /**
   * How long the WAS may take to answer its health check, in milliseconds.
   * @default 1_500
   */
  readonly healthTimeoutMs?: number;
}

/** The pages load only their own files, run no inline code, and cannot be framed. */
const HEADERS = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'blob:', 'data:'],
    connectSrc: ["'self'"],
    manifestSrc: ["'self'"],
    formAction: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
  // Behind a load balancer without a certificate, browsers ignore these two and complain in the console.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
};

/** Headers that browsers hide from pages of other origins unless they are listed. */
const EXPOSED = [
  'Content-Language',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Server-Timing',
  'WWW-Authenticate',
  'X-Request-Id',
];

/** The paths of the API, as opposed to those of the page. */
const API = ['/v1/*', PATHS.classify, '/openapi.json'];

/**
 * The web service: the page, and the edge in front of the WAS.
 *
 * @example
 * const app = createWebApp({ log, wasUrl: 'http://127.0.0.1:8081', version: '1.2.3' });
 * await (await app.request('/version')).json(); // => { version: '1.2.3' }
 */
export const createWebApp = ({
  log,
  wasUrl,
  version,
  metrics,
  keys,
  openPage = true,
  photosPerMinute = 600,
  corsOrigins = [],
  classifyTimeoutMs = 30_000,
  healthTimeoutMs = 1_500,
}: WebAppOptions): App => {
  const app = createApp({ log, metrics, headers: HEADERS });
  const crossOrigin = cors({
    origin: [...corsOrigins],
    allowMethods: ['GET', 'POST'],
    allowHeaders: ['Authorization', 'Content-Type', 'Accept-Language', 'X-Request-Id'],
    exposeHeaders: EXPOSED,
    maxAge: 600,
  });
  // Before the keys: a preflight request carries none.
  if (corsOrigins.length > 0) for (const path of API) app.use(path, crossOrigin);
  const was = new WasClient(wasUrl);
  const toWas = { was, timeoutMs: classifyTimeoutMs };
  // Open: the page calls it too, and has no key.
  app.get(PATHS.model, describeRoute(ROUTES.model), etag(), passOn(toWas));
  if (keys) {
    const limit = limitPhotos(photosPerMinute);
    for (const path of openPage ? ['/v1/*'] : ['/v1/*', PATHS.classify])
      app.use(path, requireKey(keys), limit);
  }
  app.get(PATHS.health, describeRoute(ROUTES.health), (context) => context.json({ status: 'ok' }));
  app.get('/version', describeRoute(ROUTES.version), (context) => context.json({ version }));
  const checkWas = wasHealthRoute({ was, timeoutMs: healthTimeoutMs });
  app.get('/was/health', describeRoute(ROUTES.wasHealth), checkWas);
  app.post(PATHS.classify, describeRoute(ROUTES.classifyOne), passOn({ ...toWas, maxBytes: MAX_BODY_BYTES }));
  const classifyMany = passOn({ ...toWas, maxBytes: MAX_PHOTOS_BODY_BYTES });
  app.post(PATHS.classifications, describeRoute(ROUTES.classifyMany), classifyMany);
  app.route('/', createPages(version));
  app.route('/', createReference(app, version));
  return app;
};
