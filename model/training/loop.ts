import type * as tf from '@tensorflow/tfjs-core';
import type { Split } from '../data/split.ts';
import { readValues, type WeightValues } from '../network/weights.ts';
import { AbortedError, stopIfAborted } from '../shared/abort.ts';
import { type Random, type SeededRandom, seededRandom, shuffled } from '../shared/random.ts';
import { pluralize } from '../shared/text.ts';
import {
  beginning,
  type Checkpoint,
  type CheckpointStore,
  type EpochResult,
  fingerprintOf,
  type Progress,
} from './checkpoint.ts';
import { learningRateAt, type OptimizerState, type StepResult } from './optimizer.ts';
import { type Recipe, storedOptions } from './recipe.ts';

/** Interval of checkpoints within an epoch. There is always one at the end of an epoch. */
const CHECKPOINT_MILLISECONDS = 120_000;

/** How to run a training, independent of what is trained. */
export interface TrainingRunOptions {
  /** Stores checkpoints to resume from. @default none */
  readonly checkpoints?: CheckpointStore | undefined;
  /** What else determines the result, such as the backbone: checkpoints from another one are not resumed. */
  readonly context?: string | undefined;
  /** Ends the training within a step or a batch of validation photos, after a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((done: number, total: number) => void) | undefined;
  /** Called while validation photos go through the network. */
  readonly onValidated?: ((done: number, total: number) => void) | undefined;
  readonly onEpoch?: ((epoch: EpochResult) => void) | undefined;
  /** Called if the training is resumed from a checkpoint. */
  readonly onResume?: ((progress: Progress) => void) | undefined;
}

export interface StepOptions {
  /** Share of all steps that are done, 0 to 1. */
  readonly progress: number;
  readonly learningRate: number;
  /** The only source of random numbers, so that a resumed training draws the same ones. */
  readonly random: Random;
}

/** A network that learns from batches of `Item`s: what a strategy provides to the loop. */
export interface Learner<Item> {
  /** The state of the trained weights. Once it is disposed of, no more steps can be taken. */
  readonly optimizer: OptimizerState;
  readonly step: (batch: readonly Item[], options: StepOptions) => Promise<StepResult>;
  /**
   * Evaluates the averaged weights on the validation photos.
   *
   * @param when for the message, such as "in epoch 3"
   * @returns undefined if there are none
   * @throws AbortedError if the signal is aborted
   */
  readonly validate: (
    signal: AbortSignal | undefined,
    when: string,
  ) => Promise<{ readonly loss: number; readonly accuracy: number } | undefined>;
  /** Called before the first step of a training that is not resumed. What it determines is saved with the weights. */
  readonly start?: () => Promise<void>;
}

interface Training<Item> {
  readonly learner: Learner<Item>;
  /** One item for each training photo. */
  readonly items: readonly Item[];
  readonly recipe: Recipe;
  readonly run: TrainingRunOptions;
  /** The initial weights. */
  readonly weights: readonly tf.Tensor[];
  readonly split: Pick<Split, 'train' | 'validation'>;
}

/** Out of memory: WebAssembly aborts or traps in various ways, native TensorFlow names it. */
const explained = (error: unknown, photos: number): unknown => {
  const isOutOfMemory =
    error instanceof Error && (error.name === 'RuntimeError' || /\bOOM\b/.test(error.message));
  if (!isOutOfMemory) return error;
  return new Error(
    `A step with ${pluralize(photos, 'photo')} failed, most likely for lack of memory: WebAssembly has at most 4 GB (${error.message}). Lower the batch size.`,
    { cause: error },
  );
};

/** A training in progress. Its progress and its tensors are consistent whenever it is interrupted. */
class Loop<Item> {
  readonly #training: Training<Item>;
  readonly #fingerprint: ReturnType<typeof fingerprintOf>;
  readonly #random: SeededRandom;
  #progress: Progress;
  /** The averaged weights of the best epoch, with early stopping. */
  #best: WeightValues | undefined;
  #lastSavedAt = performance.now();

  constructor(training: Training<Item>, fingerprint: ReturnType<typeof fingerprintOf>) {
    this.#training = training;
    this.#fingerprint = fingerprint;
    this.#random = seededRandom(training.recipe.seed);
    this.#progress = beginning(this.#random.position());
  }

  async run(): Promise<readonly EpochResult[]> {
    const { learner, run } = this.#training;
    const saved = await run.checkpoints?.load(this.#fingerprint);
    if (saved) this.#resume(saved);
    else await learner.start?.();
    while (!this.#isOver) await this.#epoch();
    // Leaves the averaged weights in the network, with early stopping those of the best epoch.
    learner.optimizer.finish(this.#best);
    return this.#progress.history;
  }

  #resume({ progress, tensors: { best, ...tensors } }: Checkpoint): void {
    const { learner, run } = this.#training;
    learner.optimizer.restore(tensors, progress.steps);
    this.#progress = progress;
    this.#best = best;
    run.onResume?.(progress);
  }

  async saveCheckpoint(): Promise<void> {
    const { learner, run } = this.#training;
    if (!run.checkpoints) return;
    const tensors = { ...(await learner.optimizer.state()), ...(this.#best && { best: this.#best }) };
    await run.checkpoints.save(this.#fingerprint, { progress: this.#progress, tensors });
    this.#lastSavedAt = performance.now();
  }

  get #isOver(): boolean {
    const { epochs, patience } = this.#training.recipe;
    const { history, best } = this.#progress;
    if (history.length >= epochs) return true;
    return patience !== null && best !== undefined && history.length - best.epoch >= patience;
  }

  async #epoch(): Promise<void> {
    const { items, recipe, run } = this.#training;
    const steps = Math.ceil(items.length / recipe.batchSize);
    this.#random.moveTo(this.#progress.ordered);
    const order = shuffled(items, this.#random);
    if (this.#progress.step > 0) this.#random.moveTo(this.#progress.random);
    while (this.#progress.step < steps) {
      await this.#step(order, steps);
      run.onStep?.(this.#progress.step, steps);
      await stopIfAborted(run.signal, this.#when);
      if (performance.now() - this.#lastSavedAt >= CHECKPOINT_MILLISECONDS) await this.saveCheckpoint();
    }
    await this.#endEpoch();
    await this.saveCheckpoint();
  }

  async #step(order: readonly Item[], steps: number): Promise<void> {
    const { learner, recipe } = this.#training;
    const { batchSize, epochs } = recipe;
    const started = performance.now();
    const now = this.#progress;
    const batch = order.slice(now.step * batchSize, (now.step + 1) * batchSize);
    const progress = (now.history.length * steps + now.step) / (epochs * steps);
    const learningRate = learningRateAt(progress, recipe.learningRate);
    const { loss, correct } = await learner
      .step(batch, { progress, learningRate, random: this.#random })
      .catch((error: unknown) => {
        throw explained(error, batch.length);
      });
    if (!Number.isFinite(loss))
      throw new Error(`The training diverged ${this.#when}: its loss is ${loss}. Lower the learning rate.`);
    this.#progress = {
      ...now,
      step: now.step + 1,
      steps: now.steps + 1,
      random: this.#random.position(),
      loss: now.loss + loss * batch.length,
      correct: now.correct + correct,
      seconds: now.seconds + (performance.now() - started) / 1000,
    };
  }

  async #endEpoch(): Promise<void> {
    const { learner, items, recipe, run } = this.#training;
    const { history, steps, random, loss, correct, best, seconds } = this.#progress;
    const started = performance.now();
    const validation = await learner.validate(run.signal, this.#when);
    const epoch = history.length + 1;
    const result: EpochResult = {
      epoch,
      epochs: recipe.epochs,
      trainingLoss: loss / items.length,
      trainingAccuracy: correct / items.length,
      ...(validation && { validation: { loss: validation.loss, accuracy: validation.accuracy } }),
      seconds: seconds + (performance.now() - started) / 1000,
    };
    const isBest = recipe.patience !== null && validation && validation.loss < (best?.loss ?? Infinity);
    if (isBest) this.#best = await learner.optimizer.averagedWeights();
    const lowest = isBest ? { epoch, loss: validation.loss } : best;
    this.#progress = {
      ...beginning(random),
      history: [...history, result],
      steps,
      ...(lowest && { best: lowest }),
    };
    run.onEpoch?.(result);
  }

  get #when(): string {
    return `in epoch ${this.#progress.history.length + 1}`;
  }
}

/**
 * Trains weights in place to the end. The network then has its averaged weights, and the learner can take no more
 * steps.
 *
 * With checkpoints, a training that was interrupted at any moment resumes from the last one. The resulting weights are
 * bit for bit those of an uninterrupted training if the backend is deterministic: WebAssembly and plain JavaScript are.
 * Native TensorFlow is not, above all on a GPU, but what is saved and restored is exact there too.
 *
 * @throws AbortedError if its signal is aborted
 * @throws Error if the loss is no longer a number
 */
export const runTrainingLoop = async <Item>(training: Training<Item>): Promise<readonly EpochResult[]> => {
  const { learner, recipe, run, weights, split } = training;
  const fingerprint = fingerprintOf({
    examples: split.train,
    validation: split.validation,
    options: { ...storedOptions(recipe), context: run.context ?? null },
    weights: run.checkpoints ? await readValues(weights) : [],
  });
  const loop = new Loop(training, fingerprint);
  try {
    return await loop.run();
  } catch (error) {
    if (error instanceof AbortedError) await loop.saveCheckpoint();
    throw error;
  } finally {
    learner.optimizer.dispose();
  }
};
