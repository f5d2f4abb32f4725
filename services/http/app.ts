import type { HttpBindings } from '@hono/node-server';
import { type ErrorHandler, Hono, type MiddlewareHandler, type NotFoundHandler } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { type Logger, pino } from 'pino';
import { PATHS, type ProblemCode } from '../contract.ts';
import type { LogLevel } from './environment.ts';
import type { Measurements, Metrics } from './metrics.ts';
import { ClientDisconnected, ProblemError, respondWithProblem } from './problem.ts';
import { traceRoot } from './request-id.ts';

export interface AppEnvironment {
  /** Node's own request and response; tests without a server have none. */
  Bindings: Partial<HttpBindings>;
  Variables: RequestIdVariables & {
    /** What a handler has measured, for the log and the metrics. */
    measured: Measurements;
    /** The name of the client's API key. */
    caller?: string;
  };
}

export type App = Hono<AppEnvironment>;

type SecureHeadersOptions = NonNullable<Parameters<typeof secureHeaders>[0]>;

export interface LogOptions {
  /** Added to every line. */
  readonly service: string;
  readonly level: LogLevel;
}

/**
 * A log of JSON lines on stdout, which CloudWatch Logs parses as it is.
 *
 * @example
 * createLog({ service: 'app-was', level: 'warn' }).bindings(); // => { service: 'app-was' }
 */
export const createLog = ({ service, level }: LogOptions): Logger => pino({ base: { service }, level });

export interface AccessLogOptions {
  readonly log: Logger;
  /** Counts requests, and turns each line into metrics for CloudWatch. @default - none */
  readonly metrics?: Metrics | undefined;
}

/**
 * Middleware that logs one line per request once it is answered; health checks only at level debug. The line holds no
 * photo, no file name and no key.
 *
 * @example
 * const app = new Hono().use(accessLog({ log })).get('/', (context) => context.text('hello'));
 * (await app.request('/')).status; // => 200
 */
export const accessLog = ({ log, metrics }: AccessLogOptions): MiddlewareHandler<AppEnvironment> => {
  let inFlight = 0;
  return async function accessLog(context, next) {
    const started = performance.now();
    const measured: Measurements = {};
    context.set('measured', measured);
    const busy = ++inFlight;
    await next();
    inFlight -= 1;
    const { method, path } = context.req;
    const { status } = context.res;
    const latency = Math.round(performance.now() - started);
    const code = context.error instanceof ProblemError ? context.error.code : undefined;
    const request = {
      requestId: context.get('requestId'),
      caller: context.get('caller'),
      method,
      path,
      status,
    };
    if (path === PATHS.health) log.debug({ ...request, latency }, 'request');
    else
      log.info(
        {
          ...request,
          ...(metrics?.record({ status, code, latency, inFlight: busy }, measured) ?? { latency }),
        },
        'request',
      );
  };
};

/** nginx's status for a client that did not wait; only the access log shows it. */
const CLIENT_CLOSED_REQUEST = 499;

const toProblem = (error: Error): ProblemError => {
  if (error instanceof ProblemError) return error;
  return new ProblemError(
    'internal',
    'Something went wrong on our side. Try again; if this persists, report the requestId.',
    { cause: error },
  );
};

/** Overload, or a service behind this one that is down: these come in large numbers, and their stacks say nothing. */
const EXPECTED: ReadonlySet<ProblemCode> = new Set(['overloaded', 'endpoint-unavailable', 'was-unavailable']);

/** At most one line per code in this time. */
const SAMPLE_MS = 1000;

/** Logs at most one line a second for each code, with the number of lines left out since the last one. */
const sampledWarning = (log: Logger) => {
  const last = new Map<ProblemCode, { at: number; leftOut: number }>();
  return ({ code, status, message, cause }: ProblemError, requestId: unknown): void => {
    const before = last.get(code);
    const now = performance.now();
    if (before && now - before.at < SAMPLE_MS) {
      before.leftOut += 1;
      return;
    }
    last.set(code, { at: now, leftOut: 0 });
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}`.slice(0, 200) : undefined;
    log.warn({ requestId, code, status, why, leftOut: before?.leftOut || undefined }, message);
  };
};

/** Turns every error into a problem; the services' own errors are logged with their cause. */
const handleError = (log: Logger): ErrorHandler => {
  const warn = sampledWarning(log);
  return (error, context) => {
    const requestId: unknown = context.get('requestId');
    if (error instanceof ClientDisconnected) {
      log.info({ requestId }, error.message);
      return new Response(null, { status: CLIENT_CLOSED_REQUEST });
    }
    const problem = toProblem(error);
    const fields = { requestId, code: problem.code, status: problem.status };
    if (EXPECTED.has(problem.code)) warn(problem, requestId);
    else if (problem.status >= 500) log.error({ ...fields, err: problem.cause ?? problem }, problem.message);
    else log.info(fields, problem.message);
    return respondWithProblem(context, problem);
  };
};

/** Undoes the usual mistakes in a path: case, repeated and trailing slashes. */
const normalizePath = (path: string) =>
  path
    .toLowerCase()
    .replace(/\/+/g, '/')
    .replace(/(.)\/$/, '$1');

/** Suggests a route: one whose path differs only in case or slashes, or else the one for classifying a photo. */
const handleNotFound =
  ({ routes }: App): NotFoundHandler =>
  (context) => {
    const { method, path } = context.req;
    const meant =
      routes.find((route) => route.method !== 'ALL' && route.path === normalizePath(path)) ??
      routes.find((route) => route.path === PATHS.classify);
    const here = meant && `${meant.method} ${meant.path}`;
    const problem = new ProblemError(
      'not-found',
      `There is no ${method} ${path} here.${here ? ` Did you mean ${here}?` : ''}`,
      { korean: `여기에 ${method} ${path}은(는) 없습니다.${here ? ` ${here}을(를) 찾으셨나요?` : ''}` },
    );
    return respondWithProblem(context, problem);
  };

export interface AppOptions extends AccessLogOptions {
  /** Added to the secure default headers of every answer. @default none */
  readonly headers?: SecureHeadersOptions;
}

/**
 * A Hono app with what all services share: request ids, access log, secure headers, and problems (RFC 9457) for errors.
 *
 * @example
 * const app = createApp({ log });
 * (await app.request('/nowhere')).headers.get('Content-Type'); // => 'application/problem+json'
 */
export const createApp = ({ log, metrics, headers }: AppOptions): App => {
  const app: App = new Hono<AppEnvironment>();
  app.use(requestId({ generator: traceRoot }));
  app.use(accessLog({ log, metrics }));
  app.use(secureHeaders(headers));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (context, allow) =>
        respondWithProblem(
          context,
          new ProblemError(
            'method-not-allowed',
            `${context.req.path} does not answer ${context.req.method}; use ${allow.join(' or ')}.`,
            { allow },
          ),
        ),
    }),
  );
  app.onError(handleError(log));
  app.notFound(handleNotFound(app));
  return app;
};
