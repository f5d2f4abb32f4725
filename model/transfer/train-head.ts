import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example } from '../training/dataset.ts';
import type { EpochResult } from '../training/progress.ts';
import type { RunOptions } from '../training/run-options.ts';
import { runTraining } from '../training/run-training.ts';
import { balancedWeights } from '../training/train-options.ts';
import type { LabelledFeatures } from './evaluate-head.ts';
import { HeadTrainer } from './head-trainer.ts';

export interface TrainHeadOptions extends RunOptions {
  /** Times that every photo is seen, unless it ends early. @default 60 */
  readonly epochs?: number | undefined;
  /** Photos per step. @default 64 */
  readonly batchSize?: number | undefined;
  /** Highest learning rate of the schedule. @default 0.003 */
  readonly learningRate?: number | undefined;
  /** Decoupled weight decay. @default 1 */
  readonly weightDecay?: number | undefined;
  /** Probability spread over all classes. @default 0.05 */
  readonly labelSmoothing?: number | undefined;
  /** Share of the averaged weights kept at each step. @default 0.99 */
  readonly averaging?: number | undefined;
  /** Count a photo of a rare class for more, so that all classes weigh the same. @default false */
  readonly balanced?: boolean | undefined;
  /** Epochs without a lower validation loss after which the training ends early. @default none: all are trained */
  readonly patience?: number | undefined;
  /** Seed of the order and of dropout. @default 1 */
  readonly seed?: number | undefined;
}

const settingsOf = (options: TrainHeadOptions) => ({
  epochs: options.epochs ?? 60,
  batchSize: options.batchSize ?? 64,
  learningRate: options.learningRate ?? 0.003,
  weightDecay: options.weightDecay ?? 1,
  labelSmoothing: options.labelSmoothing ?? 0.05,
  averaging: options.averaging ?? 0.99,
  balanced: options.balanced ?? false,
  patience: options.patience ?? null,
  seed: options.seed ?? 1,
});

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
  const settings = settingsOf(options);
  const { weightDecay, labelSmoothing, averaging, balanced } = settings;
  const learner = new HeadTrainer(head, {
    ...{ classes, weightDecay, labelSmoothing, averaging },
    train: described,
    validation: validation?.described,
    classWeights: balanced ? balancedWeights(classes, described.labels) : undefined,
  });
  return runTraining({
    ...{ learner, settings, options, examples },
    items: [...examples.keys()],
    network: head,
    validation: validation?.examples ?? [],
  });
};
