import type { IncomingHttpHeaders } from 'node:http';
import type { Context } from 'hono';
import type { AppEnvironment } from '../http/app.ts';
import { tooLarge } from '../http/problem.ts';
import { type WasAnswer, type WasClient, wasUnavailable } from './was-client.ts';

/** Request headers that are forwarded to the WAS. Cookies and credentials are not. */
const REQUEST_HEADERS = ['accept-language', 'content-encoding', 'content-length', 'content-type'] as const;

/** Headers of the WAS's answer that are forwarded to the client. */
const ANSWER_HEADERS = [
  'allow',
  'cache-control',
  'content-language',
  'content-type',
  'retry-after',
  'server-timing',
  'vary',
];

const pickHeaders = (headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> => {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
};

/** A redirect, or the error page of a load balancer without a healthy WAS, is not the WAS's own answer. */
const checkIsFromWas = ({ status, headers }: WasAnswer): void => {
  const isRedirect = status >= 300 && status < 400;
  const isJson = /^application\/([\w.-]+\+)?json\b/.test(headers['content-type'] ?? '');
  if (isRedirect || status > 599 || (status >= 500 && !isJson))
    throw wasUnavailable(`Something in front of the WAS answered in its place, with status ${status}.`);
};

export interface PassOnOptions {
  readonly was: WasClient;
  /** See `WasRequest`. */
  readonly timeoutMs: number;
  /** Largest body. @default - the request has none */
  readonly maxBytes?: number;
}

/** Handler that streams the request to the same route of the WAS and returns the WAS's answer. */
export const passOn = ({ was, timeoutMs, maxBytes }: PassOnOptions) =>
  async function passOnToWas(context: Context<AppEnvironment>): Promise<Response> {
    const { incoming, outgoing } = context.env;
    if (!incoming || !outgoing) throw new Error('Streaming to the WAS needs a Node server: see startServer.');
    // A body whose Content-Length is too large is refused before a byte of it is read.
    if (maxBytes !== undefined && Number(incoming.headers['content-length']) > maxBytes)
      throw tooLarge(maxBytes);
    const requestId = context.get('requestId');
    const headers = pickHeaders(incoming.headers, REQUEST_HEADERS);
    headers['x-request-id'] = requestId;
    // The WAS is fair between clients: without this, all of them would look like one.
    const hops = [incoming.headers['x-forwarded-for'], incoming.socket.remoteAddress];
    headers['x-forwarded-for'] = hops.filter(Boolean).join(', ');
    const { path, url } = context.req;
    const route = { path: `${path}${new URL(url).search}`, headers, client: outgoing, timeoutMs };
    const answer = await was.send(
      maxBytes === undefined
        ? { ...route, method: 'GET' }
        : { ...route, method: 'POST', upload: incoming, maxBytes },
    );
    checkIsFromWas(answer);
    const photos = Number(answer.headers['x-photos']);
    if (photos > 0) context.get('measured').photos = photos;
    return new Response(answer.body.length > 0 ? answer.body : null, {
      status: answer.status,
      headers: { ...pickHeaders(answer.headers, ANSWER_HEADERS), 'x-request-id': requestId },
    });
  };
