import type { MiddlewareHandler } from 'hono';
import { ProblemError } from './problem.ts';

/**
 * Answers at most `max` requests at once and refuses the rest with 503: every request holds a photo in memory, and a
 * load balancer has other tasks to ask.
 */
export const inFlightLimit = (max: number): MiddlewareHandler => {
  let inFlight = 0;
  return async function inFlightLimit(_context, next) {
    if (inFlight >= max) {
      throw new ProblemError(
        'overloaded',
        `${max} photos are being classified at the moment. Try again in a second.`,
        {
          retryAfter: 1,
        },
      );
    }
    inFlight += 1;
    try {
      await next();
    } finally {
      inFlight -= 1;
    }
  };
};
