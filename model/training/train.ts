import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example } from '../data/dataset.ts';
import type { EpochResult } from './checkpoint.ts';
import { balancedWeights, type Recipe, type RecipeOptions, withOptions } from './recipe.ts';
import type { RunOptions } from './run-options.ts';
import { runTraining } from './run-training.ts';
import { type Guide, Trainer } from './trainer.ts';

export { AbortedError } from '../shared/abort.ts';
export type { EpochResult } from './checkpoint.ts';

const RECIPE: Recipe = {
  epochs: 60,
  batchSize: 32,
  learningRate: 0.003,
  weightDecay: 0.05,
  labelSmoothing: 0.05,
  averaging: 0.998,
  balanced: false,
  patience: null,
  seed: 1,
};

export interface TrainOptions extends RunOptions, RecipeOptions {
  /** Side, in pixels, of the photos at the first epoch; it grows to 224. @default 128 */
  readonly firstSide?: number | undefined;
  /** Whose features the network must predict too. @default none */
  readonly teacher?: Guide | undefined;
  /** Weight of the teacher's part of the loss. @default 1 */
  readonly teacherWeight?: number | undefined;
}

/**
 * Trains a whole network in place; it ends with the averaged weights. How it goes, and goes on: see `runTraining`.
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
  const { firstSide = 128, teacher, teacherWeight = 1 } = options;
  const recipe = withOptions(RECIPE, options);
  const settings = { ...recipe, firstSide, teacherWeight, teacherFeatures: teacher?.features ?? null };
  const labels = examples.map(({ label }) => label);
  const learner = new Trainer(network, {
    ...recipe,
    ...{ classes, validation, firstSide, teacher, teacherWeight },
    classWeights: recipe.balanced ? balancedWeights(classes, labels) : undefined,
  });
  return runTraining({ learner, items: examples, settings, options, network, examples, validation });
};
