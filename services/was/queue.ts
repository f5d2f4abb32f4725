import { ProblemError } from '../http/problem.ts';

/** How much the newest measurement weighs against all before it. */
const WEIGHT = 0.1;

/** Settles as the work does, or fails as soon as the signal aborts; the work may continue. */
const untilAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });

/** 503, with the advice to come back after about as long as the queue takes; spread, so that not all come back at once. */
export const overloaded = (whatIsFull: string, waitMs: number): ProblemError =>
  new ProblemError('overloaded', `${whatIsFull} Try again in a moment.`, {
    retryAfter: 1 + Math.floor(Math.random() * (2 + waitMs / 1000)),
  });

export interface WorkQueueOptions {
  /** Pieces of work that are done side by side. */
  readonly places: number;
  /** A first guess of how long a piece of cost 1 takes, in milliseconds; then it is measured. */
  readonly paceMs: number;
  /**
   * Work that takes longer than this, in milliseconds, is a sign of too much at once: fewer places are used until it is
   * quicker again. @default - all places are used
   */
  readonly targetMs?: number;
}

export interface Work<T> {
  /** Whose it is: everybody's work is done in turn, so that no one's many keep another's one waiting. */
  readonly client: string;
  /** In the unit of the queue's pace. */
  readonly cost: number;
  /** Places that it takes at once; when it is alone, it may take more than there are. @default 1 */
  readonly places?: number;
  /** Takes it out of the queue; it is not begun any more. */
  readonly signal: AbortSignal;
  readonly run: () => Promise<T>;
}

interface Waiting {
  readonly cost: number;
  readonly places: number;
  readonly begin: () => void;
}

/** What a client has waiting. */
interface Turns {
  readonly works: Set<Waiting>;
  /** Of all together. */
  cost: number;
}

/**
 * Work in places that are few, first come, first served, client by client in turn. It knows how long one more would wait.
 *
 * @example
 * const queue = new WorkQueue({ places: 1, paceMs: 10 });
 * const signal = new AbortController().signal;
 * await queue.do({ client: 'a', cost: 1, signal, run: async () => 'done' }); // => 'done'
 */
export class WorkQueue {
  readonly #most: number;
  readonly #targetMs: number;
  #places: number;
  #paceMs: number;
  #running = 0;
  readonly #waiting = new Map<string, Turns>();
  #waitingCount = 0;

  constructor({ places, paceMs, targetMs = Number.POSITIVE_INFINITY }: WorkQueueOptions) {
    this.#most = places;
    this.#places = targetMs < Number.POSITIVE_INFINITY ? Math.min(places, 4) : places;
    this.#targetMs = targetMs;
    this.#paceMs = paceMs;
  }

  /** Places that are taken. */
  get running(): number {
    return this.#running;
  }

  /** Pieces of work that wait for a place. */
  get waiting(): number {
    return this.#waitingCount;
  }

  /** How long a client's next piece of work would wait, in milliseconds; `ahead` of it comes what is not yet here. */
  expectedWaitMs({ client, cost, ahead = 0 }: { client: string; cost: number; ahead?: number }): number {
    if (this.#waiting.size === 0 && this.#running + ahead < Math.floor(this.#places)) return 0;
    const own = (this.#waiting.get(client)?.cost ?? 0) + cost;
    let before = own;
    // By turns, no other client gets more done before it than its own client.
    for (const [key, other] of this.#waiting) if (key !== client) before += Math.min(other.cost, own);
    return (before + ahead) * this.#paceMs;
  }

  /** Does a piece of work when its turn comes. Its place is taken until it is really over, even when its client is gone. */
  async do<T>({ client, cost, places = 1, signal, run }: Work<T>): Promise<T> {
    if (this.#waiting.size > 0 || !this.#fits(places)) await this.#wait(client, { cost, places }, signal);
    else {
      signal.throwIfAborted();
      this.#running += places;
    }
    const began = performance.now();
    const sideBySide = this.#running;
    const work = run().finally(() => {
      this.#learn(performance.now() - began, { cost, places, sideBySide });
      this.#running -= places;
      this.#beginNext();
    });
    return untilAborted(work, signal);
  }

  #fits(places: number): boolean {
    return this.#running === 0 || this.#running + places <= Math.floor(this.#places);
  }

  #wait(client: string, work: Omit<Waiting, 'begin'>, signal: AbortSignal): Promise<void> {
    const own = this.#waiting.get(client) ?? { works: new Set(), cost: 0 };
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = () => {
        signal.removeEventListener('abort', onAbort);
        own.works.delete(waiting);
        own.cost -= work.cost;
        this.#waitingCount -= 1;
        if (own.works.size === 0) this.#waiting.delete(client);
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
        // It may have been the one that did not fit.
        this.#beginNext();
      };
      const begin = () => {
        leave();
        this.#running += work.places;
        resolve();
      };
      const waiting = { ...work, begin };
      signal.addEventListener('abort', onAbort);
      own.works.add(waiting);
      own.cost += work.cost;
      this.#waitingCount += 1;
      this.#waiting.set(client, own);
    });
  }

  #beginNext(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [client, own] = next;
      const [first] = own.works;
      if (first === undefined || !this.#fits(first.places)) return;
      first.begin();
      // The client's turn is over.
      if (own.works.size > 0) {
        this.#waiting.delete(client);
        this.#waiting.set(client, own);
      }
    }
  }

  #learn(milliseconds: number, work: { cost: number; places: number; sideBySide: number }): void {
    const { cost, places, sideBySide } = work;
    const pace = (milliseconds * places) / (Math.max(cost, Number.EPSILON) * sideBySide);
    this.#paceMs += WEIGHT * (pace - this.#paceMs);
    if (milliseconds > this.#targetMs) this.#places = Math.max(1, this.#places * 0.8);
    else if (sideBySide >= Math.floor(this.#places)) {
      this.#places = Math.min(this.#most, this.#places + places / this.#places);
    }
  }
}
