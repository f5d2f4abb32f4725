import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { type Random, seededRandom, shuffled } from '../random.ts';
import { augmentInto } from './augment.ts';
import { AveragedWeights } from './averaged-weights.ts';
import type { Example } from './dataset.ts';
import { evaluate, networkPredictor } from './evaluate.ts';
import { mix } from './mix.ts';
import { withHint } from './network.ts';
import { AdamW, learningRateAt } from './optimizer.ts';
import type { Teacher } from './teacher.ts';
import { targetTensor } from './tensors.ts';

export interface TrainOptions {
  /** Times that every photo is seen. @default 60 */
  readonly epochs?: number;
  /** Photos per step. @default 32 */
  readonly batchSize?: number;
  /** Highest learning rate of the schedule. @default 0.003 */
  readonly learningRate?: number;
  /** Decoupled weight decay. @default 0.05 */
  readonly weightDecay?: number;
  /** Probability spread over all classes. @default 0.05 */
  readonly labelSmoothing?: number;
  /** Share of the averaged weights kept at each step. @default 0.998 */
  readonly averaging?: number;
  /** Side, in pixels, of the photos at the first epoch; it grows to 224. @default 128 */
  readonly firstSide?: number;
  /** Whose features the network must predict too. @default none */
  readonly teacher?: Teacher | undefined;
  /** Weight of the teacher's part of the loss. @default 1 */
  readonly teacherWeight?: number;
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

interface StepResult {
  readonly loss: number;
  readonly correct: number;
}

/** Trains a network in place; it ends with the averaged weights. */
export const train = async (
  network: LayersModel,
  classes: number,
  examples: readonly Example[],
  validation: readonly Example[],
  options: TrainOptions = {},
): Promise<readonly EpochResult[]> => {
  const { epochs = 60, batchSize = 32, learningRate = 0.003, weightDecay = 0.05 } = options;
  const { labelSmoothing = 0.05, averaging = 0.998, firstSide = 128, seed = 1 } = options;
  const random = seededRandom(seed);
  const optimizer = new AdamW(weightDecay);
  const averaged = new AveragedWeights(network);
  const steps = Math.ceil(examples.length / batchSize);
  const { teacher, teacherWeight = 1 } = options;
  const trained = teacher ? withHint(network, teacher.features) : network;
  const variables = trainableVariables(trained);
  const history: EpochResult[] = [];

  const step = async (batch: readonly Example[], progress: number, random: Random): Promise<StepResult> => {
    const side = sideAt(progress, firstSide);
    const { photos, targets } = tf.tidy(() => {
      const photos = augmentedTensor(batch, side, random);
      const mixed = mix({ photos, targets: targetTensor(batch, classes, labelSmoothing) }, random);
      return { photos: mixed.photos, targets: mixed.targets };
    });
    const taught = teacher?.describe(photos);
    let correct: tf.Tensor | undefined;
    const { value, grads } = tf.variableGrads(() => {
      const outputs = trained.apply(photos, { training: true });
      const [logits, hint] = Array.isArray(outputs) ? outputs : [outputs];
      if (!(logits instanceof tf.Tensor)) throw new Error('The network must have logits.');
      correct = tf.keep(tf.sum(tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1))));
      const loss = tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits), []);
      if (!(hint instanceof tf.Tensor) || !taught) return loss;
      return tf.add<tf.Scalar>(loss, tf.mul(tf.mean(tf.squaredDifference(hint, taught)), teacherWeight));
    }, variables);
    optimizer.step(grads, variables, learningRateAt(progress, learningRate));
    averaged.update(averaging);
    const [loss = Number.NaN] = await value.data();
    const [hits = 0] = (await correct?.data()) ?? [];
    tf.dispose([photos, targets, value, grads, ...(correct ? [correct] : []), ...(taught ? [taught] : [])]);
    return { loss, correct: hits };
  };

  for (let epoch = 0; epoch < epochs; epoch++) {
    const started = performance.now();
    const order = shuffled(examples, random);
    let loss = 0;
    let correct = 0;
    for (let index = 0; index < steps; index++) {
      const batch = order.slice(index * batchSize, (index + 1) * batchSize);
      const result = await step(batch, (epoch * steps + index) / (epochs * steps), random);
      if (!Number.isFinite(result.loss)) {
        throw new Error(
          `The training diverged in epoch ${epoch + 1}: its loss is ${result.loss}. Lower the learning rate.`,
        );
      }
      loss += result.loss * batch.length;
      correct += result.correct;
      options.onStep?.(index + 1, steps);
    }
    const watched = await averaged.during(async () =>
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
  averaged.apply();
  averaged.dispose();
  optimizer.dispose();
  return history;
};

/** Randomly changed copies of photos: float32 `[N, side, side, 3]`, about [-1, 1]. */
const augmentedTensor = (batch: readonly Example[], side: number, random: Random): tf.Tensor4D => {
  const length = side * side * PHOTO_CHANNELS;
  const values = new Float32Array(batch.length * length);
  batch.forEach(({ pixels }, index) => augmentInto(pixels, side, random, values, index * length));
  return tf.tensor4d(values, [batch.length, side, side, PHOTO_CHANNELS]);
};

/** The layers' own variables, which `read` hands out as tensors. */
const trainableVariables = (network: LayersModel): tf.Variable[] =>
  network.trainableWeights.map((weight) => weight.read()).filter((value) => value instanceof tf.Variable);
