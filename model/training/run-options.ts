import type { CheckpointStore, EpochResult, Progress } from './checkpoint.ts';

/** How a training goes, whatever learns. */
export interface RunOptions {
  /** Where the training is kept, and gone on from. @default nowhere */
  readonly checkpoints?: CheckpointStore | undefined;
  /** What else decides the result, such as who the teacher is: a checkpoint made under another is not gone on from. */
  readonly context?: string | undefined;
  /** Seconds after which it is kept within an epoch; it always is at an epoch's end. @default 120 */
  readonly checkpointSeconds?: number | undefined;
  /** Aborted, it ends the training within a step or a batch of validation photos, once it is kept. */
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((done: number, total: number) => void) | undefined;
  readonly onEpoch?: ((epoch: EpochResult) => void) | undefined;
  /** Called when the training goes on from a checkpoint. */
  readonly onResume?: ((progress: Progress) => void) | undefined;
}

/** What decides the result of a training, whatever learns. */
export interface RunSettings {
  /** Times that everything is seen, unless it ends early. */
  readonly epochs: number;
  /** Items per step. */
  readonly batchSize: number;
  /** Highest learning rate of the schedule. */
  readonly learningRate: number;
  /** Of the order, and of all that is drawn. */
  readonly seed: number;
  /**
   * Epochs without a lower validation loss after which the training ends early; the network then has the weights of the
   * best epoch. Null: every epoch is trained, and the network has the weights of the last.
   */
  readonly patience: number | null;
}
