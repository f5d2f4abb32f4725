import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { ClientDisconnected, ProblemError, tooLarge } from '../http/problem.ts';

const RETRY_AFTER_SECONDS = 5;

/** The problem for a WAS that is unreachable, slow or broken. */
export const wasUnavailable = (whatHappened: string, cause?: unknown): ProblemError =>
  new ProblemError(
    'was-unavailable',
    `${whatHappened} Try again in a few seconds; if this persists, check that the WAS is running and that the web service's WAS_URL points to it.`,
    { retryAfter: RETRY_AFTER_SECONDS, cause },
  );

/** Far more than any answer from the WAS. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** How much of an upload is kept until the WAS answers, so that it can be sent again if it was not received. */
const REPLAY_BYTES = 64 * 1024;

/** A load balancer closes idle connections after 60 s. Closing them earlier avoids racing it with a new request. */
const IDLE_MS = 50_000;

export interface WasRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Streamed through: only what is in transit is held. @default - no body */
  readonly upload?: IncomingMessage;
  /** Largest upload, in bytes. @default - no limit */
  readonly maxBytes?: number;
  /** When it closes, the request is aborted. @default - never aborted */
  readonly client?: ServerResponse;
  /**
   * How long the WAS may stall at a time, in milliseconds: reading what was sent, or answering. The client's own
   * sending time does not count, since a photo may come over a slow mobile connection.
   */
  readonly timeoutMs: number;
}

export interface WasAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Complete: it is small, and an answer that is cut off half-way can still be turned into a problem. */
  readonly body: Buffer<ArrayBuffer>;
}

/** Reads an answer to its end. */
const readAnswer = (answer: IncomingMessage): Promise<WasAnswer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > MAX_ANSWER_BYTES) reject(wasUnavailable('The WAS sent an answer that is far too large.'));
      })
      .on('end', () => {
        const { statusCode: status = 0, headers } = answer;
        resolve({ status, headers, body: Buffer.concat(chunks) });
      })
      .on('error', (error) => reject(wasUnavailable('The answer of the WAS was cut off.', error)));
  });

/** Calls the WAS over kept-alive connections. */
export class WasClient {
  readonly #request: typeof request;
  readonly #options: ReturnType<typeof urlToHttpOptions>;
  readonly #prefix: string;
  readonly #agent: Agent;

  /** @param url http or https, without a trailing slash */
  constructor(url: string) {
    const isHttps = url.startsWith('https:');
    this.#request = isHttps ? httpsRequest : request;
    this.#agent = new (isHttps ? HttpsAgent : Agent)({ keepAlive: true, timeout: IDLE_MS });
    this.#options = urlToHttpOptions(new URL(url));
    this.#prefix = new URL(url).pathname.replace(/\/$/, '');
  }

  readonly #open = ({ method, path, headers }: WasRequest, agent: Agent | false): ClientRequest =>
    this.#request({ ...this.#options, path: `${this.#prefix}${path}`, method, headers, agent });

  /**
   * Sends a request. One that fails because the WAS closed the kept-alive connection at that moment is sent once more.
   *
   * @returns the answer; if it arrives before the end of the upload, the rest of the upload is not read
   * @throws ProblemError `was-unavailable`, or `too-large` as soon as the limit is passed; {@link ClientDisconnected}
   */
  send(wanted: WasRequest): Promise<WasAnswer> {
    const { upload, maxBytes = Number.POSITIVE_INFINITY, client, timeoutMs } = wanted;
    return new Promise((resolve, reject) => {
      let upstream: ClientRequest;
      let bytes = 0;
      /** What was sent so far, if it can be sent again. */
      let replay: Buffer[] | undefined = [];
      let hasAnswer = false;

      const stop = () => {
        clearTimeout(timer);
        replay = undefined;
        upload?.off('data', onData).off('end', onEnd);
        client?.off('close', onDisconnect);
      };
      const fail = (error: Error) => {
        stop();
        upstream.destroy();
        reject(error);
      };
      const onData = (chunk: Buffer) => {
        timer.refresh();
        bytes += chunk.length;
        if (bytes > maxBytes) return fail(tooLarge(maxBytes));
        if (bytes > REPLAY_BYTES) replay = undefined;
        replay?.push(chunk);
        if (!upstream.write(chunk)) upload?.pause();
      };
      const onDrain = () => {
        timer.refresh();
        upload?.resume();
      };
      const onEnd = () => {
        timer.refresh();
        upstream.end();
      };
      const onDisconnect = () => fail(new ClientDisconnected());
      const timer = setTimeout(() => {
        const isClientsTurn = !upstream.writableEnded && !upload?.isPaused() && !hasAnswer;
        if (isClientsTurn) timer.refresh();
        else fail(wasUnavailable(`The WAS did not answer within ${timeoutMs / 1000} seconds.`));
      }, timeoutMs);

      const onAnswer = async (incoming: IncomingMessage) => {
        hasAnswer = true;
        upload?.off('data', onData).off('end', onEnd);
        const answer = await readAnswer(incoming);
        stop();
        // The connection still waits for the rest of the upload.
        if (!upstream.writableEnded) upstream.destroy();
        resolve(answer);
      };
      const connect = (agent: Agent | false) => {
        upstream = this.#open(wanted, agent)
          .on('drain', onDrain)
          .on('response', (incoming) => onAnswer(incoming).catch(fail))
          .on('error', (error) => {
            if (upstream.reusedSocket && !hasAnswer && replay) connect(false);
            else fail(wasUnavailable('The WAS cannot be reached.', error));
          });
        for (const chunk of replay ?? []) upstream.write(chunk);
        if (upload?.readableEnded ?? true) upstream.end();
      };
      connect(this.#agent);
      upload?.on('data', onData).on('end', onEnd);
      client?.on('close', onDisconnect);
      if (client?.destroyed) onDisconnect();
    });
  }
}
