import type { Context } from 'hono';
import { proxy } from 'hono/proxy';
import type { Logger } from 'pino';
import { MAX_BODY_BYTES, PATHS } from '../contract.ts';
import type { AppEnvironment } from '../http/app.ts';
import { ProblemError, tooLarge } from '../http/problem.ts';
import { readAnswer, type WasClientOptions, wasUnavailable } from './was-client.ts';

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

/** nginx's status for a client that did not wait; only the access log shows it. */
const CLIENT_CLOSED_REQUEST = 499;

/** Why a proxied request ended when its client can no longer be answered. */
class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected';
}

interface ProxiedRequestOptions {
  /** Aborts when the client disconnects. */
  readonly client: AbortSignal;
  /** How long the WAS may keep us waiting at a time, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * One request on its way to the WAS. It ends early when the client disconnects, when its upload is too large, or when
 * the WAS keeps it waiting for too long; time that the client takes to send does not count, since a photo may
 * come over a slow mobile connection. The first reason to end stays: see `reason`.
 */
class ProxiedRequest {
  readonly #controller = new AbortController();
  readonly #client: AbortSignal;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor({ client, timeoutMs }: ProxiedRequestOptions) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    client.addEventListener('abort', this.#onDisconnect);
    if (client.aborted) this.#onDisconnect();
  }

  readonly #onDisconnect = () => this.cancel(new ClientDisconnected('The client closed its connection.'));

  readonly #onTimeout = () =>
    this.cancel(wasUnavailable(`The WAS has not answered for ${this.#timeoutMs / 1000} seconds.`));

  /** For everything that takes part, so that it ends with the request. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it ended early, if it did. */
  get reason(): unknown {
    return this.signal.reason;
  }

  /** From now on it is the WAS that must do something: read what was sent, or answer. */
  waitForWas(): void {
    clearTimeout(this.#timer);
    // The rest of an upload may still come in after the WAS has answered.
    if (this.#ended) return;
    this.#timer = setTimeout(this.#onTimeout, this.#timeoutMs);
  }

  /** From now on it is the client that must send more; how long it may take is the server's business. */
  waitForClient(): void {
    clearTimeout(this.#timer);
  }

  /** Ends it early; later reasons are ignored. */
  cancel(reason: Error): void {
    if (!this.signal.aborted) this.#controller.abort(reason);
    this.end();
  }

  /** Releases the timer and the client. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#client.removeEventListener('abort', this.#onDisconnect);
  }

  /**
   * The upload on its way through: no more than one chunk is held. Counts, because a chunked body announces no
   * length, and cancels the request when it grows too large.
   */
  pass(upload: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = upload.getReader();
    let bytes = 0;
    const fail = (reason: Error): never => {
      this.cancel(reason);
      throw reason;
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          this.waitForClient();
          const { done, value } = await reader
            .read()
            .catch((cause: unknown) => fail(new ClientDisconnected('The upload broke off.', { cause })));
          this.waitForWas();
          if (done) return controller.close();
          bytes += value.byteLength;
          if (bytes > MAX_BODY_BYTES) fail(tooLarge());
          controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }
}

const pickHeaders = (headers: Headers, names: readonly string[]): Headers =>
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

export interface ClassifyRouteOptions extends WasClientOptions {
  readonly log: Logger;
}

/** `POST /classify/image`: streams the upload to the WAS, and gives back the WAS's answer. */
export const classifyRoute = ({ wasUrl, fetch, log, timeoutMs }: ClassifyRouteOptions) => {
  const forward = async (context: Context<AppEnvironment>, proxied: ProxiedRequest): Promise<Response> => {
    const { raw } = context.req;
    const requestId = context.get('requestId');
    const headers = pickHeaders(raw.headers, REQUEST_HEADERS);
    headers.set('X-Request-Id', requestId);
    // The WAS shares its places out by client: behind us, all would look like one.
    for (const hop of [raw.headers.get('X-Forwarded-For'), context.env?.incoming?.socket.remoteAddress])
      if (hop) headers.append('X-Forwarded-For', hop);
    proxied.waitForWas();
    const answer = await proxy(`${wasUrl}${PATHS.classify}`, {
      raw,
      headers,
      body: raw.body && proxied.pass(raw.body),
      signal: proxied.signal,
      redirect: 'manual',
      customFetch: fetch,
    });
    checkIsFromWas(answer);
    const { status } = answer;
    const body = status === 204 ? null : await readAnswer(answer);
    const answerHeaders = pickHeaders(answer.headers, ANSWER_HEADERS);
    answerHeaders.set('X-Request-Id', requestId);
    return new Response(body, { status, headers: answerHeaders });
  };

  return async function classifyImage(context: Context<AppEnvironment>): Promise<Response> {
    // A body that announces to be too large is refused before a byte of it is read.
    if (Number(context.req.header('Content-Length')) > MAX_BODY_BYTES) throw tooLarge();
    const proxied = new ProxiedRequest({ client: context.req.raw.signal, timeoutMs });
    try {
      return await forward(context, proxied);
    } catch (error) {
      const reason = proxied.reason ?? error;
      if (reason instanceof ClientDisconnected) {
        log.info({ requestId: context.get('requestId') }, reason.message);
        return new Response(null, { status: CLIENT_CLOSED_REQUEST });
      }
      throw reason instanceof ProblemError ? reason : wasUnavailable('The WAS cannot be reached.', reason);
    } finally {
      proxied.end();
    }
  };
};
