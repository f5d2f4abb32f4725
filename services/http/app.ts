import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import type { Logger } from 'pino';
import { accessLog } from './access-log.ts';
import { onError, onNotFound, ProblemError, respondWithProblem } from './problem.ts';

export interface AppEnvironment {
  Variables: RequestIdVariables;
}

export type App = Hono<AppEnvironment>;

type SecureHeadersOptions = NonNullable<Parameters<typeof secureHeaders>[0]>;

export interface AppOptions {
  readonly log: Logger;
  /** Added to the secure defaults of every answer. */
  readonly headers?: SecureHeadersOptions;
}

/** What every service has: request ids, access log, secure headers, and problems (RFC 9457) for every error. */
export const createApp = ({ log, headers }: AppOptions): App => {
  const app: App = new Hono<AppEnvironment>();
  app.use(requestId());
  app.use(accessLog(log));
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
  app.onError(onError(log));
  app.notFound(onNotFound);
  return app;
};
