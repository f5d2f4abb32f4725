import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example } from '../data/dataset.ts';
import type { EpochResult } from '../training/checkpoint.ts';
import { balancedWeights, type Recipe, type RecipeOptions, withOptions } from '../training/recipe.ts';
import type { RunOptions } from '../training/run-options.ts';
import { runTraining } from '../training/run-training.ts';
import type { LabelledFeatures } from './evaluate-head.ts';
import { HeadTrainer } from './head-trainer.ts';

const RECIPE: Recipe = {
  epochs: 60,
  batchSize: 64,
  learningRate: 0.003,
  weightDecay: 1,
  labelSmoothing: 0.05,
  averaging: 0.99,
  balanced: false,
  patience: null,
  seed: 1,
};

export interface TrainHeadOptions extends RunOptions, RecipeOptions {}

/** Photos, and what a backbone sees in them. */
export interface DescribedPhotos {
  readonly examples: readonly Example[];
  readonly described: LabelledFeatures;
}

/**
 * Trains a head in place, on features that stay as they are; it ends with its averaged weights. How it goes, and goes
 * on: see `runTraining`.
 *
 * @param classes width of the head's output
 * @param validation photos that are not trained on
 * @throws Stopped when the signal is aborted
 * @throws Error when the loss is no longer a number
 */
export const trainHead = async (
  head: LayersModel,
  classes: number,
  { examples, described }: DescribedPhotos,
  validation: DescribedPhotos | undefined,
  options: TrainHeadOptions = {},
): Promise<readonly EpochResult[]> => {
  const settings = withOptions(RECIPE, options);
  const learner = new HeadTrainer(head, {
    ...settings,
    classes,
    train: described,
    validation: validation?.described,
    classWeights: settings.balanced ? balancedWeights(classes, described.labels) : undefined,
  });
  return runTraining({
    ...{ learner, settings, options, examples },
    items: [...examples.keys()],
    network: head,
    validation: validation?.examples ?? [],
  });
};
