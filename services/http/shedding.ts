import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { requestedLanguage } from './language.ts';
import type { Metrics } from './metrics.ts';
import { type ProblemError, problemAnswer } from './problem.ts';
import { requestIdOf } from './request-id.ts';

/** Looks at the head of a request, and says why it cannot be answered in time, if that is so. */
export type Glance = (incoming: IncomingMessage) => ProblemError | undefined;

/** Time for one line of the log, however many were refused. */
const REPORT_MS = 1000;

/** The first of those that the next line of the log is about. */
interface Refused {
  readonly requestId: string;
  readonly problem: ProblemError;
  count: number;
}

export interface SheddingOptions {
  readonly glance: Glance;
  readonly log: Logger;
  /** @default - none are counted */
  readonly metrics?: Metrics | undefined;
}

/**
 * Refuses what is too much at once before anything is made of it: every refusal takes from those who are served. In the
 * log they are one line a second, which counts for all of them.
 */
export class Shedding {
  readonly #options: SheddingOptions;
  #refused: Refused | undefined;

  constructor(options: SheddingOptions) {
    this.#options = options;
  }

  /** @returns whether the request was refused */
  refuse(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const problem = this.#options.glance(incoming);
    if (!problem) return false;
    const { headers } = incoming;
    const requestId = requestIdOf({ req: { header: (name) => headers[name.toLowerCase()]?.toString() } });
    const language = requestedLanguage(headers['accept-language']);
    const answer = problemAnswer(problem, { language, requestId });
    const length = Buffer.byteLength(answer.body);
    // A client that asks before it sends does not send now: what comes next is no body.
    if (headers.expect !== undefined) outgoing.shouldKeepAlive = false;
    outgoing.writeHead(answer.status, { ...answer.headers, 'Content-Length': length }).end(answer.body);
    if (this.#refused) this.#refused.count += 1;
    else {
      this.#refused = { requestId, problem, count: 1 };
      setTimeout(() => this.#report(), REPORT_MS).unref();
    }
    return true;
  }

  #report(): void {
    if (!this.#refused) return;
    const { requestId, problem, count } = this.#refused;
    this.#refused = undefined;
    const { status, code } = problem;
    const counted = this.#options.metrics?.record({ status, code, latency: 0, count }, {});
    this.#options.log.warn({ requestId, code, status, count, ...counted }, problem.message);
  }
}
