import type { Context } from 'hono';
import { proxy } from 'hono/proxy';
import type { Logger } from 'pino';
import { PATHS } from '../contract/services.ts';
import type { AppEnvironment } from '../http/app.ts';
import { ProblemError } from '../http/problem.ts';
import { ClientGone, Exchange } from './exchange.ts';
import { checkAnnouncedLength, passUpload } from './upload.ts';
import { readAnswer, type WasOptions, wasUnavailable } from './was.ts';

export interface ClassifyRouteOptions extends WasOptions {
  readonly log: Logger;
  /** How long the WAS may take to read what was sent or to answer, in milliseconds. */
  readonly patience: number;
}

/** What the WAS needs to know of the client's request; cookies and credentials are not its business. */
const REQUEST_HEADERS = ['Accept-Language', 'Content-Encoding', 'Content-Length', 'Content-Type'] as const;

/** What the client needs to know of the WAS's answer. */
const ANSWER_HEADERS = [
  'Allow',
  'Cache-Control',
  'Content-Language',
  'Content-Type',
  'Retry-After',
  'Vary',
] as const;

/** nginx's status for a client that did not wait; nobody sees it but the access log. */
const CLIENT_CLOSED_REQUEST = 499;

const pick = (headers: Headers, names: readonly string[]): Headers =>
  new Headers(
    names.flatMap((name): [string, string][] => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );

const isJson = (answer: Response) =>
  /^application\/([\w.-]+\+)?json\b/.test(answer.headers.get('Content-Type') ?? '');

/** A redirect, or an error page of a load balancer that has no WAS to ask, is not the WAS's own answer. */
const checkIsFromWas = (answer: Response): void => {
  const isRedirect = answer.status >= 300 && answer.status < 400;
  if (isRedirect || (answer.status >= 500 && !isJson(answer))) {
    throw wasUnavailable(`Instead of the WAS, something between answered, with status ${answer.status}.`);
  }
};

/** `POST /classify/image`: streams the upload on to the WAS, and gives back what the WAS answers. */
export const classifyRoute = ({ wasUrl, fetch, log, patience }: ClassifyRouteOptions) => {
  const ask = async (context: Context<AppEnvironment>, exchange: Exchange): Promise<Response> => {
    const { raw } = context.req;
    const requestId = context.get('requestId');
    const headers = pick(raw.headers, REQUEST_HEADERS);
    headers.set('X-Request-Id', requestId);
    exchange.waitForWas();
    const answer = await proxy(`${wasUrl}${PATHS.classify}`, {
      raw,
      headers,
      body: raw.body && passUpload(raw.body, exchange),
      signal: exchange.signal,
      redirect: 'manual',
      customFetch: fetch,
    });
    checkIsFromWas(answer);
    const { status } = answer;
    const body = status === 204 ? null : await readAnswer(answer);
    const answerHeaders = pick(answer.headers, ANSWER_HEADERS);
    answerHeaders.set('X-Request-Id', requestId);
    return new Response(body, { status, headers: answerHeaders });
  };

  return async function classifyImage(context: Context<AppEnvironment>): Promise<Response> {
    checkAnnouncedLength(context.req.header('Content-Length'));
    const exchange = new Exchange(context.req.raw.signal, patience, () =>
      wasUnavailable(`The WAS has not answered for ${patience / 1000} seconds.`),
    );
    try {
      return await ask(context, exchange);
    } catch (error) {
      const reason = exchange.reason ?? error;
      if (reason instanceof ClientGone) {
        log.info({ requestId: context.get('requestId') }, reason.message);
        return new Response(null, { status: CLIENT_CLOSED_REQUEST });
      }
      throw reason instanceof ProblemError ? reason : wasUnavailable('The WAS cannot be reached.', reason);
    } finally {
      exchange.end();
    }
  };
};
