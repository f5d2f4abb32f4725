import type { IncomingHttpHeaders } from 'node:http';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import { MAX_BODY_BYTES, PATHS } from '../contract.ts';
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

export interface ClassifyRouteOptions {
  readonly was: WasClient;
  readonly log: Logger;
  /** See `WasRequest`. */
  readonly timeoutMs: number;
}

/** `POST /classify/image`: streams the upload to the WAS, and gives back the WAS's answer. */
export const classifyRoute = ({ was, log, timeoutMs }: ClassifyRouteOptions) =>
  async function classifyImage(context: Context<AppEnvironment>): Promise<Response> {
    const { incoming, outgoing } = context.env;
    if (!incoming || !outgoing)
      throw new Error('Uploads are streamed, which takes a server: see startServer.');
    // A body that announces to be too large is refused before a byte of it is read.
    if (Number(incoming.headers['content-length']) > MAX_BODY_BYTES) throw tooLarge();
    const requestId = context.get('requestId');
    const headers = pickHeaders(incoming.headers, REQUEST_HEADERS);
    headers['x-request-id'] = requestId;
    // The WAS shares its places out by client: behind us, all would look like one.
    const hops = [incoming.headers['x-forwarded-for'], incoming.socket.remoteAddress];
    headers['x-forwarded-for'] = hops.filter(Boolean).join(', ');
    try {
      const route = { method: 'POST', path: PATHS.classify } as const;
      const answer = await was.send({ ...route, headers, upload: incoming, client: outgoing, timeoutMs });
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
