import { ProblemError } from '../http/problem.ts';

/**
 * The memory that all uploads together may take. Counts bytes that have arrived rather than requests: those that
 * have sent next to nothing take next to nothing, and must not keep others out.
 */
export class UploadMemory {
  #free: number;

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** @throws ProblemError `overloaded` when there is not that much left */
  take(bytes: number): void {
    if (bytes > this.#free) {
      throw new ProblemError(
        'overloaded',
        'More photos are arriving at the moment than fit into memory. Try again in a second.',
        { retryAfter: 1 },
      );
    }
    this.#free -= bytes;
  }

  give(bytes: number): void {
    this.#free += bytes;
  }
}
