import type { MiddlewareHandler } from 'hono';
import type { Logger } from 'pino';
import { PATHS } from '../contract/services.ts';

/** One line per request, after it was answered; health checks only at level debug. */
export const accessLog = (log: Logger): MiddlewareHandler =>
  async function accessLog(context, next) {
    const started = performance.now();
    await next();
    const { method, path } = context.req;
    const milliseconds = Math.round(performance.now() - started);
    const requestId: unknown = context.get('requestId');
    const level = path === PATHS.health ? 'debug' : 'info';
    log[level]({ requestId, method, path, status: context.res.status, milliseconds }, 'request');
  };
