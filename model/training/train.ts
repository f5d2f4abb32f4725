import type { LayersModel } from '@tensorflow/tfjs-layers';
import { PHOTO_SIDE } from '../contract/tensors.ts';
import { seededRandom, shuffled } from '../random.ts';
import type { Example } from './dataset.ts';
import { evaluate, networkPredictor } from './evaluate.ts';
import { learningRateAt } from './optimizer.ts';
import { Trainer, type TrainerOptions } from './trainer.ts';

export interface TrainOptions extends TrainerOptions {
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
  readonly onStep?: (done: number, total: number) => void;
  readonly onEpoch?: (epoch: EpochResult) => void;
}

export interface EpochResult {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean cross-entropy on the augmented photos, in nats. */
  readonly trainingLoss: number;
  /** Share of augmented photos whose heaviest target was named. */
  readonly trainingAccuracy: number;
  /** With the averaged weights, on photos that are not trained on; absent when there are none. */
  readonly validation?: { readonly loss: number; readonly accuracy: number };
  readonly seconds: number;
}

/** The photos grow over the first 70 % of the training: small ones are cheap and good enough for the start. */
const sideAt = (progress: number, first: number): number => {
  const step = 16;
  const grown = first + (PHOTO_SIDE - first) * Math.min(1, progress / 0.7);
  return Math.min(PHOTO_SIDE, Math.round(grown / step) * step);
};

/**
 * Trains a network in place; it ends with the averaged weights.
 *
 * @param classes width of the network's output
 * @param validation photos that are not trained on, to watch; may be none
 * @throws Error when the loss is no longer a number
 */
export const train = async (
  network: LayersModel,
  classes: number,
  examples: readonly Example[],
  validation: readonly Example[],
  options: TrainOptions = {},
): Promise<readonly EpochResult[]> => {
  const { epochs = 60, batchSize = 32, learningRate = 0.003, firstSide = 128, seed = 1 } = options;
  const random = seededRandom(seed);
  const trainer = new Trainer(network, classes, options);
  const steps = Math.ceil(examples.length / batchSize);
  const history: EpochResult[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const started = performance.now();
    const order = shuffled(examples, random);
    let loss = 0;
    let correct = 0;
    for (let index = 0; index < steps; index++) {
      const batch = order.slice(index * batchSize, (index + 1) * batchSize);
      const progress = (epoch * steps + index) / (epochs * steps);
      const rate = learningRateAt(progress, learningRate);
      const result = await trainer.step(batch, sideAt(progress, firstSide), rate, random);
      if (!Number.isFinite(result.loss)) {
        throw new Error(
          `The training diverged in epoch ${epoch + 1}: its loss is ${result.loss}. Lower the learning rate.`,
        );
      }
      loss += result.loss * batch.length;
      correct += result.correct;
      options.onStep?.(index + 1, steps);
    }
    const watched = await trainer.withAveragedWeights(async () =>
      validation.length > 0 ? evaluate(networkPredictor(network), classes, validation) : undefined,
    );
    const result: EpochResult = {
      epoch: epoch + 1,
      epochs,
      trainingLoss: loss / examples.length,
      trainingAccuracy: correct / examples.length,
      ...(watched && { validation: { loss: watched.loss, accuracy: watched.accuracy } }),
      seconds: (performance.now() - started) / 1000,
    };
    history.push(result);
    options.onEpoch?.(result);
  }
  trainer.finish();
  return history;
};
