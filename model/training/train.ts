import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Checkpoint } from './checkpoint.ts';
import type { Example } from './dataset.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { EpochResult } from './progress.ts';
import { Run } from './run.ts';
import { Stopped } from './stop.ts';
import { settingsOf, type TrainOptions } from './train-options.ts';
import { readValues } from './weights.ts';

export type { EpochResult } from './progress.ts';
export { Stopped } from './stop.ts';
export type { TrainOptions } from './train-options.ts';

/**
 * Trains a network in place; it ends with the averaged weights.
 *
 * With checkpoints, a training that was interrupted at any moment goes on from the last one. It then ends with the very
 * weights, bit for bit, of one that never was, where the backend computes the same from the same: WebAssembly and plain
 * JavaScript do. Native TensorFlow does not promise it, above all on a GPU; what is saved and restored is exact there too.
 *
 * @param classes width of the network's output
 * @param validation photos that are not trained on, to watch; may be none
 * @throws Stopped when its signal is aborted
 * @throws Error when the loss is no longer a number
 */
export const train = async (
  network: LayersModel,
  classes: number,
  examples: readonly Example[],
  validation: readonly Example[],
  options: TrainOptions = {},
): Promise<readonly EpochResult[]> => {
  const { checkpoints } = options;
  const settings = settingsOf(options);
  const weights = checkpoints ? await readValues(network.getWeights()) : [];
  const fingerprint = fingerprintOf({ examples, validation, options: settings, weights });
  const keep = async (checkpoint: Checkpoint) => checkpoints?.save(fingerprint, checkpoint);
  const run = new Run({ network, classes, examples, validation, settings, options, keep });
  try {
    const saved = await checkpoints?.load(fingerprint);
    if (saved) run.resume(saved);
    while (!run.isOver) await run.epoch();
    run.finish();
    return run.history;
  } catch (error) {
    if (error instanceof Stopped) await run.keep();
    throw error;
  } finally {
    run.dispose();
  }
};
