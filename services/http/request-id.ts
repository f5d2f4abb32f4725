import { randomBytes } from 'node:crypto';

/** Hono's context, as far as it is needed. */
interface WithHeaders {
  readonly req: { header(name: string): string | undefined };
}

/** The format of AWS X-Ray: seconds since 1970, then 96 random bits. */
const ROOT = /(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/i;
/** W3C Trace Context: version, trace, parent, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{8})([0-9a-f]{24})-[0-9a-f]{16}-[0-9a-f]{2}/;

/**
 * The id that identifies a request in the logs of the load balancer and of all services: the root of `X-Amzn-Trace-Id`,
 * which the load balancer adds, or else the trace id of `traceparent`, or else a new one in the same format. It is for
 * searching: clients may reuse an id.
 */
export const traceRoot = ({ req }: WithHeaders): string => {
  const [, root] = ROOT.exec(req.header('X-Amzn-Trace-Id') ?? '') ?? [];
  if (root) return root;
  const [, time, rest] = TRACEPARENT.exec(req.header('traceparent') ?? '') ?? [];
  if (time && rest) return `1-${time}-${rest}`;
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `1-${seconds.padStart(8, '0')}-${randomBytes(12).toString('hex')}`;
};

const VALID_ID = /^[\w\-=]{1,255}$/;

/** The client's X-Request-Id if it is valid, or else {@link traceRoot}. */
export const chooseRequestId = (context: WithHeaders): string => {
  const given = context.req.header('X-Request-Id') ?? '';
  return VALID_ID.test(given) ? given : traceRoot(context);
};
