import type { Random } from '../shared/random.ts';
import type { Descent } from './descent.ts';
import type { Recipe } from './recipe.ts';

/** What every learner is told. */
export interface LearnerOptions extends Pick<Recipe, 'weightDecay' | 'labelSmoothing' | 'averaging'> {
  readonly classes: number;
  /** How much a photo of each class counts in the loss. Absent: all the same. */
  readonly classWeights: readonly number[] | undefined;
}

export interface StepResult {
  /** Mean over the batch, before the step. */
  readonly loss: number;
  /** Photos whose heaviest target was named. */
  readonly correct: number;
}

export interface StepOptions {
  /** Share of all steps that lie behind, 0 to 1. */
  readonly progress: number;
  readonly learningRate: number;
  /** Whatever is drawn is drawn from here: a training that goes on from a checkpoint draws the same. */
  readonly random: Random;
}

export interface Scores {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Share of photos named rightly, 0 to 1. */
  readonly accuracy: number;
}

/** A network that learns from `Item`s, a batch at a time, with averaged weights beside those that it trains. */
export interface Learner<Item> {
  /** The weights on their way; disposed of, no more steps can be taken. */
  readonly descent: Descent;
  readonly step: (batch: readonly Item[], options: StepOptions) => Promise<StepResult>;
  /**
   * Measures the averaged weights on photos that are not trained on.
   *
   * @param when it is, for the message: "in epoch 3"
   * @returns nothing when there are no such photos
   * @throws Stopped when the signal is aborted
   */
  readonly watch: (signal: AbortSignal | undefined, when: string) => Promise<Scores | undefined>;
}
