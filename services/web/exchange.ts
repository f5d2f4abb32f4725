/** Why an exchange ended when its client is no longer there to be told. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/**
 * One request that is handed on to the WAS. It ends early when the client goes away, when somebody cancels it, or when
 * the WAS keeps it waiting for too long; time that the client takes to send does not count, since a photo may
 * come over a slow mobile connection. The first reason to end stays: see `reason`.
 */
export class Exchange {
  readonly #controller = new AbortController();
  readonly #client: AbortSignal;
  readonly #patience: number;
  readonly #tooLate: () => Error;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /**
   * @param client aborts when the client goes away
   * @param patience how long the WAS may keep us waiting at a stretch, in milliseconds
   * @param tooLate makes the reason for when it does not
   */
  constructor(client: AbortSignal, patience: number, tooLate: () => Error) {
    this.#client = client;
    this.#patience = patience;
    this.#tooLate = tooLate;
    client.addEventListener('abort', this.#onClientGone);
    if (client.aborted) this.#onClientGone();
  }

  readonly #onClientGone = () => this.cancel(new ClientGone('The client closed its connection.'));

  /** Hand this to whatever takes part, so that it ends with the exchange. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it ended early, if it did. */
  get reason(): unknown {
    return this.signal.reason;
  }

  /** From now on it is the WAS that must do something: take what was sent, or answer. */
  waitForWas(): void {
    clearTimeout(this.#timer);
    // The rest of an upload may still come in after the WAS has answered.
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.cancel(this.#tooLate()), this.#patience);
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

  /** Lets go of the timer and the client. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#client.removeEventListener('abort', this.#onClientGone);
  }
}
