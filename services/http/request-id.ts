import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';

/** The form of AWS X-Ray: seconds since 1970, then 96 random bits. */
const ROOT = /(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/i;
/** W3C Trace Context: version, trace, parent, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{8})([0-9a-f]{24})-[0-9a-f]{16}-[0-9a-f]{2}/;

/**
 * The id under which a request is found in the logs of the load balancer and of all services: the root of
 * `X-Amzn-Trace-Id`, which the load balancer adds, else that of `traceparent`, else a new one of the same form. Clients
 * may repeat an id; it is for searching.
 */
export const traceRoot = (context: Pick<Context, 'req'>): string => {
  const [, root] = ROOT.exec(context.req.header('X-Amzn-Trace-Id') ?? '') ?? [];
  if (root) return root;
  const [, time, rest] = TRACEPARENT.exec(context.req.header('traceparent') ?? '') ?? [];
  if (time && rest) return `1-${time}-${rest}`;
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `1-${seconds.padStart(8, '0')}-${randomBytes(12).toString('hex')}`;
};
