import { ProblemError } from './problem.ts';

/**
 * Does at most `max` pieces of work at once and refuses the rest with 503: a load balancer has other tasks to ask.
 */
export const inFlightLimit = (max: number) => {
  let inFlight = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (inFlight >= max) {
      throw new ProblemError(
        'overloaded',
        `${max} photos are being classified at the moment. Try again in a second.`,
        { retryAfter: 1 },
      );
    }
    inFlight += 1;
    try {
      return await work();
    } finally {
      inFlight -= 1;
    }
  };
};
