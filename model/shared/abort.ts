import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

/** Work that ended early because its signal was aborted. */
export class AbortedError extends Error {
  override readonly name = 'AbortedError';
}

/**
 * Lets signals in, which Node.js handles between turns of its event loop only: computing leaves no room for them.
 *
 * @param when it was, for the message: "in epoch 3"
 * @throws AbortedError when the signal is aborted
 */
export const stopIfAborted = async (signal: AbortSignal | undefined, when: string): Promise<void> => {
  await turnOfTheLoop();
  if (signal?.aborted) throw new AbortedError(`Stopped ${when}.`);
};
