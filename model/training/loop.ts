import type * as tf from '@tensorflow/tfjs-core';
import type { Split } from '../data/split.ts';
import { readValues, type WeightValues } from '../network/weights.ts';
import { AbortedError, stopIfAborted } from '../shared/abort.ts';
import { type Random, type SeededRandom, seededRandom, shuffled } from '../shared/random.ts';
import { pluralize } from '../shared/text.ts';
import {
  afterEpoch,
  afterStep,
  beginning,
  type Checkpoint,
  type CheckpointStore,
  type EpochResult,
  fingerprintOf,
  type Progress,
} from './checkpoint.ts';
import { learningRateAt, type OptimizerState } from './optimizer.ts';
import { type Recipe, storedOptions } from './recipe.ts';

/** How a training is run, whatever is trained. */
export interface TrainingRunOptions {
  /** Where the training is saved, and resumed from. @default nowhere */
  readonly checkpoints?: CheckpointStore | undefined;
  /** What else decides the result, such as what the network stands on: a checkpoint made under another is not resumed. */
  readonly context?: string | undefined;
  /** Seconds after which it is saved within an epoch; it always is at an epoch's end. @default 120 */
  readonly checkpointSeconds?: number | undefined;
  /** Aborted, it ends the training within a step or a batch of validation photos, once it is saved. */
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((done: number, total: number) => void) | undefined;
  readonly onEpoch?: ((epoch: EpochResult) => void) | undefined;
  /** Called when the training is resumed from a checkpoint. */
  readonly onResume?: ((progress: Progress) => void) | undefined;
}

export interface StepResult {
  /** Mean over the batch, before the step. */
  readonly loss: number;
  /** Photos whose heaviest target was predicted. */
  readonly correct: number;
}

export interface StepOptions {
  /** Share of all steps that were taken, 0 to 1. */
  readonly progress: number;
  readonly learningRate: number;
  /** The only source of random numbers: a training that is resumed from a checkpoint draws the same. */
  readonly random: Random;
}

/** A network that learns from `Item`s, a batch at a time: what a strategy brings to the loop. */
export interface Learner<Item> {
  /** Of the weights that are trained; disposed of, no more steps can be taken. */
  readonly optimizer: OptimizerState;
  readonly step: (batch: readonly Item[], options: StepOptions) => Promise<StepResult>;
  /**
   * Measures the averaged weights on the validation photos.
   *
   * @param when it is, for the message: "in epoch 3"
   * @returns undefined when there are no such photos
   * @throws AbortedError when the signal is aborted
   */
  readonly validate: (
    signal: AbortSignal | undefined,
    when: string,
  ) => Promise<{ readonly loss: number; readonly accuracy: number } | undefined>;
  /** Called before the first step of a training that is not resumed: what is found out here is saved with the weights. */
  readonly start?: () => Promise<void>;
}

interface Training<Item> {
  readonly learner: Learner<Item>;
  /** What is learned from, one for each training photo. */
  readonly items: readonly Item[];
  readonly recipe: Recipe;
  /** What decides the result besides the recipe, the photos and the weights. @default nothing */
  readonly settings?: object;
  readonly run: TrainingRunOptions;
  /** The weights that the training starts from. */
  readonly weights: readonly tf.Tensor[];
  readonly split: Pick<Split, 'train' | 'validation'>;
}

/** WebAssembly reports it by an abort or by a trap of whatever came first, native TensorFlow by its name. */
const isOutOfMemory = (error: unknown): error is Error =>
  error instanceof Error && (error.name === 'RuntimeError' || /\bOOM\b/.test(error.message));

const tooLarge = (photos: number, cause: Error): Error =>
  new Error(
    `A step of ${pluralize(photos, 'photo')} failed, most likely for lack of memory, of which WebAssembly has 4 GB at most (${cause.message}). Lower the batch size.`,
    { cause },
  );

/** A training in progress. Its progress and its tensors agree whenever it is interrupted. */
class Loop<Item> {
  readonly #training: Training<Item>;
  readonly #save: (checkpoint: Checkpoint) => Promise<void>;
  readonly #random: SeededRandom;
  #progress: Progress;
  /** The averaged weights of the best epoch, where it is looked for. */
  #best: WeightValues | undefined;
  #lastSavedAt = performance.now();

  constructor(training: Training<Item>, save: (checkpoint: Checkpoint) => Promise<void>) {
    this.#training = training;
    this.#save = save;
    this.#random = seededRandom(training.recipe.seed);
    this.#progress = beginning(this.#random.position());
  }

  resume({ progress, tensors: { best, ...tensors } }: Checkpoint): void {
    const { learner, run } = this.#training;
    learner.optimizer.restore(tensors, progress.steps);
    this.#progress = progress;
    this.#best = best;
    run.onResume?.(progress);
  }

  async saveCheckpoint(): Promise<void> {
    const { learner, run } = this.#training;
    if (!run.checkpoints) return;
    const best: Record<string, WeightValues> = this.#best ? { best: this.#best } : {};
    const tensors = { ...(await learner.optimizer.state()), ...best };
    await this.#save({ progress: this.#progress, tensors });
    this.#lastSavedAt = performance.now();
  }

  get history(): readonly EpochResult[] {
    return this.#progress.history;
  }

  get isOver(): boolean {
    const { epochs, patience } = this.#training.recipe;
    const { history, best } = this.#progress;
    if (history.length >= epochs) return true;
    return patience !== null && best !== undefined && history.length - best.epoch >= patience;
  }

  async epoch(): Promise<void> {
    const { items, recipe, run } = this.#training;
    const steps = Math.ceil(items.length / recipe.batchSize);
    this.#random.moveTo(this.#progress.ordered);
    const order = shuffled(items, this.#random);
    if (this.#progress.step > 0) this.#random.moveTo(this.#progress.random);
    while (this.#progress.step < steps) {
      await this.#step(order, steps);
      run.onStep?.(this.#progress.step, steps);
      await stopIfAborted(run.signal, this.#when);
      const { checkpointSeconds = 120 } = run;
      if (performance.now() - this.#lastSavedAt >= checkpointSeconds * 1000) await this.saveCheckpoint();
    }
    await this.#endEpoch();
    await this.saveCheckpoint();
  }

  async #step(order: readonly Item[], steps: number): Promise<void> {
    const { learner, recipe } = this.#training;
    const { batchSize, epochs, learningRate } = recipe;
    const started = performance.now();
    const epoch = this.#progress.history.length;
    const index = this.#progress.step;
    const batch = order.slice(index * batchSize, (index + 1) * batchSize);
    const progress = (epoch * steps + index) / (epochs * steps);
    const rate = learningRateAt(progress, learningRate);
    const result = await learner
      .step(batch, { progress, learningRate: rate, random: this.#random })
      .catch((error: unknown) => {
        throw isOutOfMemory(error) ? tooLarge(batch.length, error) : error;
      });
    if (!Number.isFinite(result.loss)) {
      throw new Error(
        `The training diverged in epoch ${epoch + 1}: its loss is ${result.loss}. Lower the learning rate.`,
      );
    }
    const seconds = (performance.now() - started) / 1000;
    const random = this.#random.position();
    this.#progress = afterStep(this.#progress, { ...result, count: batch.length, random, seconds });
  }

  async #endEpoch(): Promise<void> {
    const { learner, items, recipe, run } = this.#training;
    const { history, loss, correct, best } = this.#progress;
    const started = performance.now();
    const scores = await learner.validate(run.signal, this.#when);
    const result: EpochResult = {
      epoch: history.length + 1,
      epochs: recipe.epochs,
      trainingLoss: loss / items.length,
      trainingAccuracy: correct / items.length,
      ...(scores && { validation: { loss: scores.loss, accuracy: scores.accuracy } }),
      seconds: this.#progress.seconds + (performance.now() - started) / 1000,
    };
    const isBest = recipe.patience !== null && scores && scores.loss < (best?.loss ?? Infinity);
    if (isBest) this.#best = await learner.optimizer.averagedWeights();
    this.#progress = afterEpoch(
      this.#progress,
      result,
      isBest ? { epoch: result.epoch, loss: scores.loss } : best,
    );
    run.onEpoch?.(result);
  }

  get #when(): string {
    return `in epoch ${this.#progress.history.length + 1}`;
  }

  /** Leaves the averaged weights in the network, the best epoch's if it was looked for. */
  finish(): void {
    this.#training.learner.optimizer.finish(this.#best);
  }
}

/**
 * Trains weights in place, to the end; it then has its averaged weights, and the learner takes no more steps.
 *
 * With checkpoints, a training that was interrupted at any moment is resumed from the last one. It then ends with the very
 * weights, bit for bit, of one that never was, where the backend computes the same from the same: WebAssembly and plain
 * JavaScript do. Native TensorFlow does not promise it, above all on a GPU; what is saved and restored is exact there too.
 *
 * @throws AbortedError when its signal is aborted
 * @throws Error when the loss is no longer a number
 */
export const runTrainingLoop = async <Item>(training: Training<Item>): Promise<readonly EpochResult[]> => {
  const { learner, recipe, settings = {}, run, weights, split } = training;
  const { checkpoints, context = null } = run;
  const fingerprint = fingerprintOf({
    examples: split.train,
    validation: split.validation,
    options: { ...storedOptions({ ...recipe, ...settings }), context },
    weights: checkpoints ? await readValues(weights) : [],
  });
  const loop = new Loop(training, async (checkpoint) => checkpoints?.save(fingerprint, checkpoint));
  try {
    const saved = await checkpoints?.load(fingerprint);
    if (saved) loop.resume(saved);
    else await learner.start?.();
    while (!loop.isOver) await loop.epoch();
    loop.finish();
    return loop.history;
  } catch (error) {
    if (error instanceof AbortedError) await loop.saveCheckpoint();
    throw error;
  } finally {
    learner.optimizer.dispose();
  }
};
