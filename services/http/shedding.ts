import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { requestedLanguage } from './language.ts';
import type { Metrics } from './metrics.ts';
import { type ProblemError, problemAnswer } from './problem.ts';
import { chooseRequestId } from './request-id.ts';

/** Decides by a request's headers whether to refuse it, and with which problem. */
export type EarlyCheck = (incoming: IncomingMessage) => ProblemError | undefined;

/** At most one log line in this time, however many requests were refused. */
const REPORT_MS = 1000;

/** The first refusal since the last log line, and the number of refusals. */
interface Refused {
  readonly requestId: string;
  readonly problem: ProblemError;
  count: number;
}

export interface SheddingOptions {
  readonly check: EarlyCheck;
  readonly log: Logger;
  /** @default - refusals are not counted */
  readonly metrics?: Metrics | undefined;
}

/**
 * Refuses requests during overload before they are processed, because every refusal takes time from the served ones.
 * The log has one line a second for all of them.
 */
export class Shedding {
  readonly #options: SheddingOptions;
  #refused: Refused | undefined;

  constructor(options: SheddingOptions) {
    this.#options = options;
  }

  /** @returns whether the request was refused */
  refuse(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const problem = this.#options.check(incoming);
    if (!problem) return false;
    const { headers } = incoming;
    const requestId = chooseRequestId({ req: { header: (name) => headers[name.toLowerCase()]?.toString() } });
    const language = requestedLanguage(headers['accept-language']);
    const answer = problemAnswer(problem, { language, requestId });
    const length = Buffer.byteLength(answer.body);
    // A client that sent Expect will not send a body now.
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
