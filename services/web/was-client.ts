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
import { ProblemError, tooLarge } from '../http/problem.ts';

const RETRY_AFTER_SECONDS = 5;

/** The problem for whenever the WAS does not do its part. */
export const wasUnavailable = (whatHappened: string, cause?: unknown): ProblemError =>
  new ProblemError(
    'was-unavailable',
    `${whatHappened} Try again in a few seconds; if it stays, check that the WAS runs and that WAS_URL of the web service names it.`,
    { retryAfter: RETRY_AFTER_SECONDS, cause },
  );

/** Nobody waits for an answer any more. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected';
}

/** Far more than any answer of the WAS. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** As much of an upload is kept until the WAS answers, to send it again if it was not received. */
const REPLAY_BYTES = 64 * 1024;

/** Idle connections are closed before a load balancer closes them after 60 s, which a request may meet on its way. */
const IDLE_MS = 50_000;

export interface WasRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Streamed through: no more is held than what is on its way. @default - no body */
  readonly upload?: IncomingMessage;
  /** Bytes that it may have. @default - any number */
  readonly mostBytes?: number;
  /** Its end ends the request: nobody waits for the answer. @default - waits in any case */
  readonly client?: ServerResponse;
  /**
   * How long the WAS may keep us waiting at a time, in milliseconds: for reading what was sent, or for its answer. Time
   * that the client takes to send does not count, since a photo may come over a slow mobile connection.
   */
  readonly timeoutMs: number;
}

export interface WasAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Whole: it is small, and so an answer that breaks off half-way can still become a problem. */
  readonly body: Buffer<ArrayBuffer>;
}

/** The WAS as `web` calls it, over connections that are kept. */
export class WasClient {
  readonly #request: typeof request;
  readonly #options: ReturnType<typeof urlToHttpOptions>;
  readonly #prefix: string;
  readonly #agent: Agent;

  /** @param url http or https, without a slash at its end */
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
   * Sends a request. What a kept connection did not deliver, because the WAS closed it at that moment, is sent once more.
   *
   * @returns the answer; it may come before the end of the upload, whose rest is then not read
   * @throws ProblemError `was-unavailable`, or `too-large` as soon as an upload is; {@link ClientDisconnected}
   */
  send(wanted: WasRequest): Promise<WasAnswer> {
    const { upload, mostBytes = Number.POSITIVE_INFINITY, client, timeoutMs } = wanted;
    return new Promise((resolve, reject) => {
      let upstream: ClientRequest;
      let bytes = 0;
      let replay: Buffer[] | undefined = [];
      let isSent = upload === undefined;
      let hasAnswer = false;
      let isSettled = false;

      const onData = (chunk: Buffer) => {
        timer.refresh();
        bytes += chunk.length;
        if (bytes > mostBytes) return settle(() => reject(tooLarge(mostBytes)));
        if (bytes > REPLAY_BYTES) replay = undefined;
        replay?.push(chunk);
        if (!upstream.write(chunk)) upload?.pause();
      };
      const onEnd = () => {
        isSent = true;
        timer.refresh();
        upstream.end();
      };
      const onDisconnect = () =>
        settle(() => reject(new ClientDisconnected('The client closed its connection.')));
      const stopReading = () => {
        upload?.off('data', onData).off('end', onEnd);
      };
      const settle = (report: () => void, keepConnection = false) => {
        if (isSettled) return;
        isSettled = true;
        clearTimeout(timer);
        stopReading();
        client?.off('close', onDisconnect);
        if (!keepConnection) upstream.destroy();
        report();
      };
      const fail = (whatHappened: string, cause?: unknown) =>
        settle(() => reject(wasUnavailable(whatHappened, cause)));
      const timer = setTimeout(() => {
        const isClientsTurn = !isSent && !upload?.isPaused() && !hasAnswer;
        if (isClientsTurn) timer.refresh();
        else fail(`The WAS has not answered for ${timeoutMs / 1000} seconds.`);
      }, timeoutMs);

      const onAnswer = (answer: IncomingMessage) => {
        hasAnswer = true;
        stopReading();
        const chunks: Buffer[] = [];
        let length = 0;
        answer.on('data', (chunk: Buffer) => {
          length += chunk.length;
          chunks.push(chunk);
          if (length > MAX_ANSWER_BYTES) fail('The WAS answered far too much.');
        });
        answer.on('end', () => {
          const { statusCode: status = 0, headers } = answer;
          settle(() => resolve({ status, headers, body: Buffer.concat(chunks) }), isSent);
        });
        answer.on('error', (error) => fail('The WAS broke off its answer.', error));
      };
      const start = (agent: Agent | false) => {
        upstream = this.#open(wanted, agent)
          .on('drain', () => {
            timer.refresh();
            upload?.resume();
          })
          .on('response', onAnswer)
          .on('error', (error) => {
            if (upstream.reusedSocket && !hasAnswer && replay && !isSettled) start(false);
            else fail('The WAS cannot be reached.', error);
          });
        for (const chunk of replay ?? []) upstream.write(chunk);
        if (isSent) upstream.end();
      };
      start(this.#agent);
      upload?.on('data', onData).on('end', onEnd);
      client?.on('close', onDisconnect);
      if (client?.destroyed) onDisconnect();
    });
  }
}
