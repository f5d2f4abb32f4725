import { setTimeout as sleep } from 'node:timers/promises';

export interface Waiting {
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
  /** Milliseconds after which it is given up. */
  readonly limitMs: number;
}

/**
 * Looks again and again until there is an answer.
 *
 * @param look `undefined` as long as there is none yet
 * @param what for the message, such as "the endpoint to be deleted"
 * @throws Error when the limit passes
 */
export const waitFor = async <T>(
  what: string,
  { intervalMs, limitMs }: Waiting,
  look: () => Promise<T | undefined>,
): Promise<T> => {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (performance.now() > end)
      throw new Error(
        `Waited ${Math.round(limitMs / 60_000)} min for ${what}. Look at it in the AWS console; running the command again waits on.`,
      );
    await sleep(intervalMs);
  }
};
