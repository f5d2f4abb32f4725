import { randomBytes } from 'node:crypto';

/** Hono's context, as far as it is needed. */
interface WithHeaders {
  readonly req: { header(name: string): string | undefined };
}

/** The form of AWS X-Ray: seconds since 1970, then 96 random bits. */
const ROOT = /(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/i;
/** W3C Trace Context: version, trace, parent, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{8})([0-9a-f]{24})-[0-9a-f]{16}-[0-9a-f]{2}/;

/**
 * The id under which a request is found in the logs of the load balancer and of all services: the root of
 * `X-Amzn-Trace-Id`, which the load balancer adds, else that of `traceparent`, else a new one of the same form. Clients
 * may repeat an id; it is for searching.
 */
export const traceRoot = ({ req }: WithHeaders): string => {
  const [, root] = ROOT.exec(req.header('X-Amzn-Trace-Id') ?? '') ?? [];
  if (root) return root;
  const [, time, rest] = TRACEPARENT.exec(req.header('traceparent') ?? '') ?? [];
  if (time && rest) return `1-${time}-${rest}`;
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `1-${seconds.padStart(8, '0')}-${randomBytes(12).toString('hex')}`;
};

const GIVEN = /^[\w\-=]{1,255}$/;

/** The id that a client gives, else {@link traceRoot}. */
export const requestIdOf = (context: WithHeaders): string => {
  const given = context.req.header('X-Request-Id') ?? '';
  return GIVEN.test(given) ? given : traceRoot(context);
};
