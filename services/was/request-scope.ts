import type { ProblemError } from '../http/problem.ts';

/** The client has closed its connection: there is no reader for an answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/**
 * What one request holds, and until when: it ends with its client, with its deadline or with its work, whichever is
 * first, and then lets go of everything, once.
 *
 * @example
 * const scope = new RequestScope({ client: new AbortController().signal });
 * const released = [];
 * scope.hold(() => released.push('memory'));
 * scope.end();
 * scope.end();
 * released; // => ['memory']
 */
export class RequestScope {
  readonly #controller = new AbortController();
  readonly #client: AbortSignal;
  readonly #releases: (() => void)[] = [];
  #deadline: NodeJS.Timeout | undefined;

  constructor({ client }: { client: AbortSignal }) {
    this.#client = client;
    client.addEventListener('abort', this.#onClientGone);
    if (client.aborted) this.#onClientGone();
  }

  readonly #onClientGone = () => {
    this.#controller.abort(new ClientGone('The client has closed its connection.'));
  };

  /** Aborts with why the request ends before its work: {@link ClientGone}, or the deadline's problem. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on, the request has this many milliseconds. */
  startDeadline(milliseconds: number, toProblem: () => ProblemError): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#controller.abort(toProblem()), milliseconds);
  }

  /** Lets go of something when the request ends. */
  hold(release: () => void): void {
    this.#releases.push(release);
  }

  end(): void {
    clearTimeout(this.#deadline);
    this.#client.removeEventListener('abort', this.#onClientGone);
    for (const release of this.#releases.splice(0)) release();
  }
}
