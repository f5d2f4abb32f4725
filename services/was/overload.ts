import { ProblemError } from '../http/problem.ts';

/** What the service takes on at once; beyond it, 503: a load balancer has other tasks to send a photo to. */

const overloaded = (whatIsFull: string) =>
  new ProblemError('overloaded', `${whatIsFull} Try again in a second.`, { retryAfter: 1 });

export interface MemoryBudgetOptions {
  readonly bytes: number;
}

/**
 * The memory that all uploads together may take. Counts bytes that have arrived rather than requests: those that
 * have sent next to nothing take next to nothing, and must not keep others out.
 *
 * @example
 * const memory = new MemoryBudget({ bytes: 100 });
 * memory.acquire(60);
 * assert.throws(() => memory.acquire(60), { code: 'overloaded' });
 * memory.release(60);
 * memory.acquire(60);
 */
export class MemoryBudget {
  #free: number;

  constructor({ bytes }: MemoryBudgetOptions) {
    this.#free = bytes;
  }

  /** @throws ProblemError `overloaded` when there is not that much left */
  acquire(bytes: number): void {
    if (bytes > this.#free) throw overloaded('More photos are arriving at the moment than fit into memory.');
    this.#free -= bytes;
  }

  release(bytes: number): void {
    this.#free += bytes;
  }
}

export interface InFlightLimitOptions {
  readonly max: number;
}

/**
 * Does at most `max` pieces of work at once, and refuses the rest with the ProblemError `overloaded`.
 *
 * @example
 * const answering = inFlightLimit({ max: 1 });
 * const first = answering(async () => 'answered');
 * await assert.rejects(answering(async () => 'refused'), { code: 'overloaded' });
 * await first; // => 'answered'
 */
export const inFlightLimit = ({ max }: InFlightLimitOptions) => {
  let inFlight = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (inFlight >= max) throw overloaded(`${max} photos are being classified at the moment.`);
    inFlight += 1;
    try {
      return await work();
    } finally {
      inFlight -= 1;
    }
  };
};
