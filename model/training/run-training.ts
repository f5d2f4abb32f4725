import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example } from '../data/dataset.ts';
import { readValues } from '../network/weights.ts';
import { AbortedError } from '../shared/abort.ts';
import { type Checkpoint, type EpochResult, fingerprintOf } from './checkpoint.ts';
import type { Learner } from './learner.ts';
import { Run } from './run.ts';
import type { RunOptions, RunSettings } from './run-options.ts';

export interface Training<Item> {
  readonly learner: Learner<Item>;
  /** What is learned from, one for each of `examples`. */
  readonly items: readonly Item[];
  /** What decides the result besides photos and weights; all of it, for a checkpoint to be told from another's. */
  readonly settings: RunSettings;
  readonly options: RunOptions;
  readonly network: LayersModel;
  readonly examples: readonly Example[];
  readonly validation: readonly Example[];
}

/**
 * Trains a network in place, to its end; the learner is then done with.
 *
 * With checkpoints, a training that was interrupted at any moment goes on from the last one. It then ends with the very
 * weights, bit for bit, of one that never was, where the backend computes the same from the same: WebAssembly and plain
 * JavaScript do. Native TensorFlow does not promise it, above all on a GPU; what is saved and restored is exact there too.
 *
 * @throws Stopped when its signal is aborted
 * @throws Error when the loss is no longer a number
 */
export const runTraining = async <Item>({
  learner,
  items,
  settings,
  options,
  network,
  examples,
  validation,
}: Training<Item>): Promise<readonly EpochResult[]> => {
  const { checkpoints, context = null } = options;
  const weights = checkpoints ? await readValues(network.getWeights()) : [];
  const fingerprint = fingerprintOf({ examples, validation, options: { ...settings, context }, weights });
  const keep = checkpoints && ((checkpoint: Checkpoint) => checkpoints.save(fingerprint, checkpoint));
  const run = new Run({ learner, items, settings, options, keep });
  try {
    const saved = await checkpoints?.load(fingerprint);
    if (saved) run.resume(saved);
    while (!run.isOver) await run.epoch();
    run.finish();
    return run.history;
  } catch (error) {
    if (error instanceof AbortedError) await run.keep();
    throw error;
  } finally {
    learner.descent.dispose();
  }
};
