import type { RunOptions } from './run-options.ts';
import type { TrainerOptions } from './trainer.ts';

export interface TrainOptions extends RunOptions, Omit<TrainerOptions, 'classWeights'> {
  /** Times that every photo is seen. @default 60 */
  readonly epochs?: number | undefined;
  /** Photos per step. @default 32 */
  readonly batchSize?: number | undefined;
  /** Highest learning rate of the schedule. @default 0.003 */
  readonly learningRate?: number | undefined;
  /** Side, in pixels, of the photos at the first epoch; it grows to 224. @default 128 */
  readonly firstSide?: number | undefined;
  /** Seed of the order and the augmentation. @default 1 */
  readonly seed?: number | undefined;
  /** Count a photo of a rare class for more, so that all classes weigh the same. @default false */
  readonly balanced?: boolean | undefined;
  /** Epochs without a lower validation loss after which the training ends early. @default none: all are trained */
  readonly patience?: number | undefined;
}

/** What decides the result of a training besides its photos and the network, with the defaults filled in. */
export const settingsOf = ({ teacher, ...options }: TrainOptions) => ({
  epochs: options.epochs ?? 60,
  batchSize: options.batchSize ?? 32,
  learningRate: options.learningRate ?? 0.003,
  firstSide: options.firstSide ?? 128,
  seed: options.seed ?? 1,
  balanced: options.balanced ?? false,
  patience: options.patience ?? null,
  weightDecay: options.weightDecay ?? 0.05,
  labelSmoothing: options.labelSmoothing ?? 0.05,
  averaging: options.averaging ?? 0.998,
  teacherWeight: options.teacherWeight ?? 1,
  teacherFeatures: teacher?.features ?? null,
});

/** What a photo of each class counts so that every class weighs the same; 1 on average over the photos. */
export const balancedWeights = (classes: number, labels: readonly number[]): number[] =>
  Array.from({ length: classes }, (_, label) => {
    const count = labels.filter((value) => value === label).length;
    return count === 0 ? 0 : labels.length / (classes * count);
  });
