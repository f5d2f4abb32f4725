import { ProblemError } from '../http/problem.ts';

/** The weight of the newest measurement in the moving average. */
const WEIGHT = 0.1;

/** Settles with the work, or rejects as soon as the signal aborts; the work itself may continue. */
const untilAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });

/** 503, to be retried after about the time that the queue takes, with jitter so that clients do not all return at once. */
export const overloaded = (whatIsFull: string, waitMs: number): ProblemError =>
  new ProblemError('overloaded', `${whatIsFull} Try again in a moment.`, {
    retryAfter: 1 + Math.floor(Math.random() * (2 + waitMs / 1000)),
  });

export interface WorkQueueOptions {
  /** Tasks that run at a time. */
  readonly slots: number;
  /** Initial estimate of how long a task of cost 1 takes, in milliseconds; it is measured from then on. */
  readonly paceMs: number;
  /**
   * A task that takes longer than this, in milliseconds, is a sign of overload: fewer slots are used until tasks are
   * faster again. @default - all slots are used
   */
  readonly targetMs?: number;
}

export interface Work<T> {
  /** Clients take turns, so that one with many tasks does not block another with a single one. */
  readonly client: string;
  /** The cost, in units of the queue's pace. */
  readonly cost: number;
  /** Slots that it takes; when it runs alone, it may take more than there are. @default 1 */
  readonly slots?: number;
  /** Removes it from the queue; what has started keeps running. */
  readonly signal: AbortSignal;
  readonly run: () => Promise<T>;
}

interface Waiting {
  readonly cost: number;
  readonly slots: number;
  readonly begin: () => void;
}

/** A client's waiting tasks. */
interface Turns {
  readonly works: Set<Waiting>;
  /** Their total cost. */
  cost: number;
}

/**
 * Runs a limited number of tasks at a time. Clients take turns, and each client's tasks run in order. It can estimate
 * how long another task would wait.
 *
 * @example
 * const queue = new WorkQueue({ slots: 1, paceMs: 10 });
 * const signal = new AbortController().signal;
 * await queue.do({ client: 'a', cost: 1, signal, run: async () => 'done' }); // => 'done'
 */
export class WorkQueue {
  readonly #most: number;
  readonly #targetMs: number;
  #slots: number;
  #paceMs: number;
  #running = 0;
  readonly #waiting = new Map<string, Turns>();
  #waitingCount = 0;

  constructor({ slots, paceMs, targetMs = Number.POSITIVE_INFINITY }: WorkQueueOptions) {
    this.#most = slots;
    this.#slots = targetMs < Number.POSITIVE_INFINITY ? Math.min(slots, 4) : slots;
    this.#targetMs = targetMs;
    this.#paceMs = paceMs;
  }

  /** Slots in use. */
  get running(): number {
    return this.#running;
  }

  /** Tasks waiting for a slot. */
  get waiting(): number {
    return this.#waitingCount;
  }

  /** How long a client's next task would wait, in milliseconds, counting `ahead` tasks that are not queued yet. */
  expectedWaitMs({ client, cost, ahead = 0 }: { client: string; cost: number; ahead?: number }): number {
    if (this.#waiting.size === 0 && this.#running + ahead < Math.floor(this.#slots)) return 0;
    const own = (this.#waiting.get(client)?.cost ?? 0) + cost;
    let before = own;
    // As clients take turns, no other client gets more done in the meantime than this one.
    for (const [key, other] of this.#waiting) if (key !== client) before += Math.min(other.cost, own);
    return (before + ahead) * this.#paceMs;
  }

  /** Runs a task when its turn comes. Its slot is in use until the task has really ended, even if its client is gone. */
  async do<T>({ client, cost, slots = 1, signal, run }: Work<T>): Promise<T> {
    if (this.#waiting.size > 0 || !this.#fits(slots)) await this.#wait(client, { cost, slots }, signal);
    else {
      signal.throwIfAborted();
      this.#running += slots;
    }
    const began = performance.now();
    const concurrency = this.#running;
    const work = run().finally(() => {
      this.#learn(performance.now() - began, { cost, slots, concurrency });
      this.#running -= slots;
      this.#beginNext();
    });
    return untilAborted(work, signal);
  }

  #fits(slots: number): boolean {
    return this.#running === 0 || this.#running + slots <= Math.floor(this.#slots);
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
        // The task that left may have been the one that did not fit.
        this.#beginNext();
      };
      const begin = () => {
        leave();
        this.#running += work.slots;
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
      if (first === undefined || !this.#fits(first.slots)) return;
      first.begin();
      // Now it is the next client's turn.
      if (own.works.size > 0) {
        this.#waiting.delete(client);
        this.#waiting.set(client, own);
      }
    }
  }

  #learn(milliseconds: number, work: { cost: number; slots: number; concurrency: number }): void {
    const { cost, slots, concurrency } = work;
    const pace = (milliseconds * slots) / (Math.max(cost, Number.EPSILON) * concurrency);
    this.#paceMs += WEIGHT * (pace - this.#paceMs);
    if (milliseconds > this.#targetMs) this.#slots = Math.max(1, this.#slots * 0.8);
    else if (concurrency >= Math.floor(this.#slots)) {
      this.#slots = Math.min(this.#most, this.#slots + slots / this.#slots);
    }
  }
}
