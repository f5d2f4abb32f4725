import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Predictor } from '../training/evaluate.ts';

/** Somebody asked for an end before the work was done. */
export class AbortedError extends Error {
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
  if (signal?.aborted) throw new AbortedError(`Stopped ${when}.`);
};

/** Asks before each batch whether to stop. */
export const interruptible =
  (predict: Predictor, signal: AbortSignal | undefined, when: string): Predictor =>
  async (examples) => {
    await stopIfAborted(signal, when);
    return predict(examples);
  };
