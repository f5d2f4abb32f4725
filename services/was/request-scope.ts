import { ClientDisconnected, type ProblemError } from '../http/problem.ts';

/**
 * The lifetime of one request and the resources it holds. It ends with its client, its deadline or its work, whichever
 * comes first, and then releases everything, once.
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
    client.addEventListener('abort', this.#onDisconnect);
    if (client.aborted) this.#onDisconnect();
  }

  readonly #onDisconnect = () => {
    this.#controller.abort(new ClientDisconnected());
  };

  /** Aborts when the request ends before its work: with {@link ClientDisconnected}, or with the deadline's problem. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives the request this many milliseconds from now. */
  startDeadline(milliseconds: number, toProblem: () => ProblemError): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#controller.abort(toProblem()), milliseconds);
  }

  /** Registers what to release when the request ends. */
  hold(release: () => void): void {
    this.#releases.push(release);
  }

  end(): void {
    clearTimeout(this.#deadline);
    this.#client.removeEventListener('abort', this.#onDisconnect);
    for (const release of this.#releases.splice(0)) release();
  }
}
