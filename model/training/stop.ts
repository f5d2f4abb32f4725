import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

/** Somebody asked for an end before the work was done. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/**
 * Lets signals in, which Node.js handles between turns of its event loop only: computing leaves no room for them.
 *
 * @param when it was, for the message: "in epoch 3"
 * @throws Stopped when the signal is aborted
 */
export const stopIfAborted = async (signal: AbortSignal | undefined, when: string): Promise<void> => {
  await turnOfTheLoop();
  if (signal?.aborted) throw new Stopped(`Stopped ${when}.`);
};
