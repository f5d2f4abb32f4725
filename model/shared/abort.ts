import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

/** Work that ended early because its signal was aborted. */
export class AbortedError extends Error {
  override readonly name = 'AbortedError';
}

/**
 * Yields to the event loop, so that Node.js can handle signals during a long computation.
 *
 * @param when for the message, such as "in epoch 3"
 * @throws AbortedError if the signal is aborted
 */
export const stopIfAborted = async (signal: AbortSignal | undefined, when: string): Promise<void> => {
  await turnOfTheLoop();
  if (signal?.aborted) throw new AbortedError(`Stopped ${when}.`);
};
