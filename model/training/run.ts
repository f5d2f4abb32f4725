import { type SeededRandom, seededRandom, shuffled } from '../shared/random.ts';
import { pluralize } from '../shared/text.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Learner } from './learner.ts';
import { learningRateAt } from './optimizer.ts';
import { afterEpoch, afterStep, beginning, type EpochResult, type Progress } from './progress.ts';
import type { RunOptions, RunSettings } from './run-options.ts';
import { stopIfAborted } from './stop.ts';
import type { Values } from './tensor-file.ts';

export interface Task<Item> {
  readonly learner: Learner<Item>;
  readonly items: readonly Item[];
  readonly settings: RunSettings;
  readonly options: RunOptions;
  /** Writes a checkpoint; absent: none are kept. */
  readonly keep?: ((checkpoint: Checkpoint) => Promise<void>) | undefined;
}

/** WebAssembly tells it by an abort or by a trap of whatever came first, native TensorFlow by its name. */
const isOutOfMemory = (error: unknown): error is Error =>
  error instanceof Error && (error.name === 'RuntimeError' || /\bOOM\b/.test(error.message));

const tooLarge = (photos: number, cause: Error): Error =>
  new Error(
    `A step of ${pluralize(photos, 'photo')} failed, most likely for lack of memory, of which WebAssembly has 4 GB at most (${cause.message}). Lower the batch size.`,
    { cause },
  );

/** A training under way. Its progress and its tensors agree whenever it is interrupted. */
export class Run<Item> {
  readonly #task: Task<Item>;
  readonly #random: SeededRandom;
  #progress: Progress;
  /** The averaged weights of the best epoch, where it is looked for. */
  #best: Values | undefined;
  #keptAt = performance.now();

  constructor(task: Task<Item>) {
    this.#task = task;
    this.#random = seededRandom(task.settings.seed);
    this.#progress = beginning(this.#random.position());
  }

  resume({ progress, tensors: { best, ...tensors } }: Checkpoint): void {
    this.#task.learner.descent.restore(tensors, progress.steps);
    this.#progress = progress;
    this.#best = best;
    this.#task.options.onResume?.(progress);
  }

  async keep(): Promise<void> {
    if (!this.#task.keep) return;
    const best: Record<string, Values> = this.#best ? { best: this.#best } : {};
    const tensors = { ...(await this.#task.learner.descent.state()), ...best };
    await this.#task.keep({ progress: this.#progress, tensors });
    this.#keptAt = performance.now();
  }

  get history(): readonly EpochResult[] {
    return this.#progress.history;
  }

  get isOver(): boolean {
    const { epochs, patience } = this.#task.settings;
    const { history, best } = this.#progress;
    if (history.length >= epochs) return true;
    return patience !== null && best !== undefined && history.length - best.epoch >= patience;
  }

  async epoch(): Promise<void> {
    const { items, settings, options } = this.#task;
    const steps = Math.ceil(items.length / settings.batchSize);
    this.#random.moveTo(this.#progress.ordered);
    const order = shuffled(items, this.#random);
    if (this.#progress.step > 0) this.#random.moveTo(this.#progress.random);
    while (this.#progress.step < steps) {
      await this.#step(order, steps);
      options.onStep?.(this.#progress.step, steps);
      await stopIfAborted(options.signal, this.#when);
      const { checkpointSeconds = 120 } = options;
      if (performance.now() - this.#keptAt >= checkpointSeconds * 1000) await this.keep();
    }
    await this.#endEpoch();
    await this.keep();
  }

  async #step(order: readonly Item[], steps: number): Promise<void> {
    const { batchSize, epochs, learningRate } = this.#task.settings;
    const started = performance.now();
    const epoch = this.#progress.history.length;
    const index = this.#progress.step;
    const batch = order.slice(index * batchSize, (index + 1) * batchSize);
    const progress = (epoch * steps + index) / (epochs * steps);
    const rate = learningRateAt(progress, learningRate);
    const result = await this.#task.learner
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
    const { learner, items, settings, options } = this.#task;
    const { history, loss, correct, best } = this.#progress;
    const started = performance.now();
    const watched = await learner.watch(options.signal, this.#when);
    const result: EpochResult = {
      epoch: history.length + 1,
      epochs: settings.epochs,
      trainingLoss: loss / items.length,
      trainingAccuracy: correct / items.length,
      ...(watched && { validation: { loss: watched.loss, accuracy: watched.accuracy } }),
      seconds: this.#progress.seconds + (performance.now() - started) / 1000,
    };
    const isBest = settings.patience !== null && watched && watched.loss < (best?.loss ?? Infinity);
    if (isBest) this.#best = await learner.descent.averagedWeights();
    this.#progress = afterEpoch(
      this.#progress,
      result,
      isBest ? { epoch: result.epoch, loss: watched.loss } : best,
    );
    options.onEpoch?.(result);
  }

  get #when(): string {
    return `in epoch ${this.#progress.history.length + 1}`;
  }

  /** Leaves the averaged weights in the network, the best epoch's if it was looked for. */
  finish(): void {
    this.#task.learner.descent.finish(this.#best);
  }
}
