import type { IncomingHttpHeaders } from 'node:http';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { AppEnvironment } from '../http/app.ts';
import { tooLarge } from '../http/problem.ts';
import { ClientDisconnected, type WasAnswer, type WasClient, wasUnavailable } from './was-client.ts';

/** What the WAS needs to know of the client's request; cookies and credentials are not its business. */
const REQUEST_HEADERS = ['accept-language', 'content-encoding', 'content-length', 'content-type'] as const;

/** What the client needs to know of the WAS's answer. */
const ANSWER_HEADERS = [
  'allow',
  'cache-control',
  'content-language',
  'content-type',
  'retry-after',
  'server-timing',
  'vary',
] as const;

/** nginx's status for a client that did not wait; only the access log shows it. */
const CLIENT_CLOSED_REQUEST = 499;

const pickHeaders = (headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> => {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
};

/** A redirect, or an error page of a load balancer that has no WAS to ask, is not the WAS's own answer. */
const checkIsFromWas = ({ status, headers }: WasAnswer): void => {
  const isRedirect = status >= 300 && status < 400;
  const isJson = /^application\/([\w.-]+\+)?json\b/.test(headers['content-type'] ?? '');
  if (isRedirect || status > 599 || (status >= 500 && !isJson))
    throw wasUnavailable(`Instead of the WAS, something between answered, with status ${status}.`);
};

export interface PassOnOptions {
  readonly was: WasClient;
  readonly log: Logger;
  /** See `WasRequest`. */
  readonly timeoutMs: number;
  /** Largest body. @default - the request has none */
  readonly mostBytes?: number;
}

/** A route of the WAS: streams the upload there, and gives back the WAS's answer. */
export const passOn = ({ was, log, timeoutMs, mostBytes }: PassOnOptions) =>
  async function passOnToWas(context: Context<AppEnvironment>): Promise<Response> {
    const { incoming, outgoing } = context.env;
    if (!incoming || !outgoing)
      throw new Error('Requests are streamed to the WAS, which takes a server: see startServer.');
    // A body that announces to be too large is refused before a byte of it is read.
    if (mostBytes !== undefined && Number(incoming.headers['content-length']) > mostBytes)
      throw tooLarge(mostBytes);
    const requestId = context.get('requestId');
    const headers = pickHeaders(incoming.headers, REQUEST_HEADERS);
    headers['x-request-id'] = requestId;
    // The WAS shares its places out by client: behind us, all would look like one.
    const hops = [incoming.headers['x-forwarded-for'], incoming.socket.remoteAddress];
    headers['x-forwarded-for'] = hops.filter(Boolean).join(', ');
    const { path, url } = context.req;
    const route = { path: `${path}${new URL(url).search}`, headers, client: outgoing, timeoutMs };
    try {
      const answer = await was.send(
        mostBytes === undefined
          ? { ...route, method: 'GET' }
          : { ...route, method: 'POST', upload: incoming, mostBytes },
      );
      checkIsFromWas(answer);
      const photos = Number(answer.headers['x-photos']);
      if (photos > 0) context.get('measured').photos = photos;
      return new Response(answer.body.length > 0 ? answer.body : null, {
        status: answer.status,
        headers: { ...pickHeaders(answer.headers, ANSWER_HEADERS), 'x-request-id': requestId },
      });
    } catch (error) {
      if (!(error instanceof ClientDisconnected)) throw error;
      log.info({ requestId }, error.message);
      return new Response(null, { status: CLIENT_CLOSED_REQUEST });
    }
  };
