import { PHOTO_SIDE } from '../contract/tensors.ts';
import type { CheckpointStore } from './checkpoint.ts';
import type { EpochResult, Progress } from './progress.ts';
import type { TrainerOptions } from './trainer.ts';

export interface TrainOptions extends Omit<TrainerOptions, 'classWeights'> {
  /** Times that every photo is seen. @default 60 */
  readonly epochs?: number;
  /** Photos per step. @default 32 */
  readonly batchSize?: number;
  /** Highest learning rate of the schedule. @default 0.003 */
  readonly learningRate?: number;
  /** Side, in pixels, of the photos at the first epoch; it grows to 224. @default 128 */
  readonly firstSide?: number;
  /** Seed of the order and the augmentation. @default 1 */
  readonly seed?: number;
  /** Count a photo of a rare class for more, so that all classes weigh the same. @default false */
  readonly balanced?: boolean;
  /**
   * Epochs without a lower validation loss after which the training ends early; the network then has the weights of the
   * best epoch. @default none: every epoch is trained, and the network has the weights of the last
   */
  readonly patience?: number | undefined;
  /** Where the training is kept, and gone on from. @default nowhere */
  readonly checkpoints?: CheckpointStore | undefined;
  /** What else decides the result, such as who the teacher is: a checkpoint made under another is not gone on from. */
  readonly context?: string | undefined;
  /** Seconds after which it is kept within an epoch; it always is at an epoch's end. @default 120 */
  readonly checkpointSeconds?: number;
  /** Aborted, it ends the training within a step or a batch of validation photos, once it is kept. */
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (done: number, total: number) => void;
  readonly onEpoch?: (epoch: EpochResult) => void;
  /** Called when the training goes on from a checkpoint. */
  readonly onResume?: (progress: Progress) => void;
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
  context: options.context ?? null,
});

export type Settings = ReturnType<typeof settingsOf>;

/** The photos grow over the first 70 % of the training: small ones are cheap and good enough for the start. */
export const sideAt = (progress: number, first: number): number => {
  const step = 16;
  const grown = first + (PHOTO_SIDE - first) * Math.min(1, progress / 0.7);
  return Math.min(PHOTO_SIDE, Math.round(grown / step) * step);
};

/** What a photo of each class counts so that every class weighs the same; 1 on average over the photos. */
export const balancedWeights = (classes: number, labels: readonly number[]): number[] =>
  Array.from({ length: classes }, (_, label) => {
    const count = labels.filter((value) => value === label).length;
    return count === 0 ? 0 : labels.length / (classes * count);
  });
