import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type SeededRandom, seededRandom, shuffled } from '../random.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Example } from './dataset.ts';
import { evaluate, networkPredictor } from './evaluate.ts';
import { learningRateAt } from './optimizer.ts';
import { afterEpoch, afterStep, beginning, type EpochResult, type Progress } from './progress.ts';
import { interruptible, stopIfAborted } from './stop.ts';
import type { Values } from './tensor-file.ts';
import { balancedWeights, type Settings, sideAt, type TrainOptions } from './train-options.ts';
import { Trainer } from './trainer.ts';
import { setWeightValues } from './weights.ts';

export interface Task {
  readonly network: LayersModel;
  readonly classes: number;
  readonly examples: readonly Example[];
  readonly validation: readonly Example[];
  readonly settings: Settings;
  readonly options: TrainOptions;
  /** Writes a checkpoint. */
  readonly keep: (checkpoint: Checkpoint) => Promise<void>;
}

/** A training under way. Its progress and its tensors agree whenever it is interrupted. */
export class Run {
  readonly #task: Task;
  readonly #trainer: Trainer;
  readonly #random: SeededRandom;
  #progress: Progress;
  /** The averaged weights of the best epoch, where it is looked for. */
  #best: Values | undefined;
  #keptAt = performance.now();

  constructor(task: Task) {
    const { network, classes, examples, settings, options } = task;
    const labels = examples.map(({ label }) => label);
    const classWeights = settings.balanced ? balancedWeights(classes, labels) : undefined;
    this.#task = task;
    this.#trainer = new Trainer(network, classes, { ...options, classWeights });
    this.#random = seededRandom(settings.seed);
    this.#progress = beginning(this.#random.position());
  }

  resume({ progress, tensors }: Checkpoint): void {
    const { network = [], average = [], moments = [], best } = tensors;
    this.#trainer.restore({ network, average, moments }, progress.steps);
    this.#progress = progress;
    this.#best = best;
    this.#task.options.onResume?.(progress);
  }

  async keep(): Promise<void> {
    const best: Record<string, Values> = this.#best ? { best: this.#best } : {};
    const tensors = { ...(await this.#trainer.state()), ...best };
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
    const { examples, settings, options } = this.#task;
    const steps = Math.ceil(examples.length / settings.batchSize);
    this.#random.moveTo(this.#progress.ordered);
    const order = shuffled(examples, this.#random);
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

  async #step(order: readonly Example[], steps: number): Promise<void> {
    const { batchSize, epochs, learningRate, firstSide } = this.#task.settings;
    const started = performance.now();
    const epoch = this.#progress.history.length;
    const index = this.#progress.step;
    const batch = order.slice(index * batchSize, (index + 1) * batchSize);
    const progress = (epoch * steps + index) / (epochs * steps);
    const rate = learningRateAt(progress, learningRate);
    const result = await this.#trainer.step(batch, sideAt(progress, firstSide), rate, this.#random);
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
    const { network, classes, examples, validation, settings, options } = this.#task;
    const { history, loss, correct, best } = this.#progress;
    const started = performance.now();
    const watched = await this.#trainer.withAveragedWeights(async () =>
      validation.length > 0
        ? evaluate(interruptible(networkPredictor(network), options.signal, this.#when), classes, validation)
        : undefined,
    );
    const result: EpochResult = {
      epoch: history.length + 1,
      epochs: settings.epochs,
      trainingLoss: loss / examples.length,
      trainingAccuracy: correct / examples.length,
      ...(watched && { validation: { loss: watched.loss, accuracy: watched.accuracy } }),
      seconds: this.#progress.seconds + (performance.now() - started) / 1000,
    };
    const isBest = settings.patience !== null && watched && watched.loss < (best?.loss ?? Infinity);
    if (isBest) this.#best = await this.#trainer.averagedWeights();
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
    this.#trainer.finish();
    if (this.#best) setWeightValues(this.#task.network, this.#best);
  }

  dispose(): void {
    this.#trainer.dispose();
  }
}
