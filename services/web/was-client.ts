import { ProblemError } from '../http/problem.ts';

/** Where the WAS is, how to reach it, and how long to wait for it. */
export interface WasClientOptions {
  /** Without a slash at its end. */
  readonly wasUrl: string;
  readonly fetch: typeof globalThis.fetch;
  /** How long the WAS may keep a request waiting, in milliseconds. */
  readonly timeoutMs: number;
}

const RETRY_AFTER_SECONDS = 5;

/** The problem for whenever the WAS does not do its part. */
export const wasUnavailable = (whatHappened: string, cause?: unknown): ProblemError =>
  new ProblemError(
    'was-unavailable',
    `${whatHappened} Try again in a few seconds; if it stays, check that the WAS runs and that WAS_URL of the web service names it.`,
    { retryAfter: RETRY_AFTER_SECONDS, cause },
  );

/** Far more than any answer of the WAS. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Reads an answer to its end. It is small, and so an answer that breaks off half-way can still become a problem.
 *
 * @throws ProblemError `was-unavailable` when it is far too long to be the WAS's
 * @example
 * String(Buffer.from(await readAnswer(new Response('{}')))); // => '{}'
 */
export const readAnswer = async ({ body }: Response): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw wasUnavailable('The WAS answered far too much.');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
};
