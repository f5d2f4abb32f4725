import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import type { Random } from '../random.ts';
import { augmentInto } from './augment.ts';
import { AveragedWeights } from './averaged-weights.ts';
import type { Example } from './dataset.ts';
import { type Batch, mix } from './mix.ts';
import { withHint } from './network.ts';
import { AdamW } from './optimizer.ts';
import type { Teacher } from './teacher.ts';
import type { Values } from './tensor-file.ts';
import { targetTensor } from './tensors.ts';
import { assignValues, readValues, setWeightValues } from './weights.ts';

export interface TrainerOptions {
  /** Decoupled weight decay. @default 0.05 */
  readonly weightDecay?: number;
  /** Probability spread over all classes. @default 0.05 */
  readonly labelSmoothing?: number;
  /** Share of the averaged weights kept at each step. @default 0.998 */
  readonly averaging?: number;
  /** How much a photo of each class counts in the loss. @default all the same */
  readonly classWeights?: readonly number[] | undefined;
  /** Whose features the network must predict too. @default none */
  readonly teacher?: Teacher | undefined;
  /** Weight of the teacher's part of the loss. @default 1 */
  readonly teacherWeight?: number;
}

export interface StepResult {
  /** Mean over the batch, before the step. */
  readonly loss: number;
  /** Photos whose heaviest target was named. */
  readonly correct: number;
}

/** The tensors of a trainer: what its next step depends on. */
export type TrainerState = Readonly<Record<'network' | 'average' | 'moments', Values>>;

/** A network on its way: its optimizer and its averaged weights. */
export class Trainer {
  readonly #classes: number;
  readonly #options: Required<Omit<TrainerOptions, 'teacher' | 'classWeights'>>;
  readonly #classWeights: readonly number[] | undefined;
  readonly #teacher: Teacher | undefined;
  /** The network, with a second output if there is a teacher. */
  readonly #network: LayersModel;
  readonly #variables: tf.Variable[];
  readonly #optimizer: AdamW;
  readonly #averaged: AveragedWeights;

  constructor(network: LayersModel, classes: number, options: TrainerOptions = {}) {
    const { weightDecay = 0.05, labelSmoothing = 0.05, averaging = 0.998, teacherWeight = 1 } = options;
    this.#classes = classes;
    this.#options = { weightDecay, labelSmoothing, averaging, teacherWeight };
    this.#classWeights = options.classWeights;
    this.#teacher = options.teacher;
    this.#network = options.teacher ? withHint(network, options.teacher.features) : network;
    this.#variables = trainableVariables(this.#network);
    this.#optimizer = new AdamW(weightDecay);
    this.#averaged = new AveragedWeights(network);
  }

  /**
   * Augments and mixes the photos, and takes one step downhill.
   *
   * @param side to which the photos are resized, in pixels
   */
  async step(
    batch: readonly Example[],
    side: number,
    learningRate: number,
    random: Random,
  ): Promise<StepResult> {
    const { photos, targets } = this.#augment(batch, side, random);
    const taught = this.#teacher?.describe(photos);
    const correct = tf.tidy(() => tf.variable(tf.scalar(0), false));
    const { value, grads } = tf.variableGrads(() => {
      const { logits, hint } = this.#predict(photos);
      correct.assign(tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1)), 'float32')));
      const weights = this.#classWeights && weightOf(targets, this.#classWeights);
      const loss = tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits, weights), []);
      if (!hint || !taught) return loss;
      const distance = tf.mean(tf.squaredDifference(hint, taught));
      return tf.add<tf.Scalar>(loss, tf.mul(distance, this.#options.teacherWeight));
    }, this.#variables);
    this.#optimizer.step(grads, this.#variables, learningRate);
    this.#averaged.update(this.#options.averaging);
    const [loss = Number.NaN] = await value.data();
    const [hits = 0] = await correct.data();
    tf.dispose([photos, targets, value, grads, correct, ...(taught ? [taught] : [])]);
    return { loss, correct: hits };
  }

  #augment(batch: readonly Example[], side: number, random: Random): Batch {
    return tf.tidy(() => {
      const photos = augmentedTensor(batch, side, random);
      const targets = targetTensor(batch, this.#classes, this.#options.labelSmoothing);
      const mixed = mix({ photos, targets }, random);
      return { photos: mixed.photos, targets: mixed.targets };
    });
  }

  #predict(photos: tf.Tensor): { logits: tf.Tensor; hint: tf.Tensor | undefined } {
    const outputs = this.#network.apply(photos, { training: true });
    const [logits, hint] = Array.isArray(outputs) ? outputs : [outputs];
    if (!(logits instanceof tf.Tensor)) throw new Error('The network must have logits.');
    return { logits, hint: hint instanceof tf.Tensor ? hint : undefined };
  }

  /** Runs `work` while the network holds its averaged weights. */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return this.#averaged.during(work);
  }

  /** The averaged weights, in the order of the network's. */
  averagedWeights(): Promise<Values> {
    return readValues(this.#averaged.average);
  }

  /** What the next step depends on, besides the number of the steps before it. */
  async state(): Promise<TrainerState> {
    return {
      network: await readValues(this.#network.getWeights()),
      average: await this.averagedWeights(),
      moments: await readValues(this.#optimizer.moments(this.#variables)),
    };
  }

  /**
   * Goes on as the trainer did that had this state after so many steps.
   *
   * @throws Error when it is another network's
   */
  restore(state: TrainerState, steps: number): void {
    setWeightValues(this.#network, state.network);
    assignValues(this.#averaged.average, state.average);
    assignValues(this.#optimizer.moments(this.#variables), state.moments);
    this.#averaged.resume(steps);
    this.#optimizer.resume(steps);
  }

  /** Leaves the averaged weights in the network; steps taken after that start from them. */
  finish(): void {
    this.#averaged.apply();
  }

  /** No more steps can be taken. */
  dispose(): void {
    this.#averaged.dispose();
    this.#optimizer.dispose();
  }
}

/** Randomly changed copies of photos: float32 `[N, side, side, 3]`, about [-1, 1]. */
const augmentedTensor = (batch: readonly Example[], side: number, random: Random): tf.Tensor4D => {
  const length = side * side * PHOTO_CHANNELS;
  const values = new Float32Array(batch.length * length);
  batch.forEach(({ pixels }, index) => augmentInto(pixels, side, random, values, index * length));
  return tf.tensor4d(values, [batch.length, side, side, PHOTO_CHANNELS]);
};

/** What each photo counts, by the classes that it was mixed of: float32 `[N]`. */
const weightOf = (targets: tf.Tensor2D, classWeights: readonly number[]): tf.Tensor1D =>
  tf.reshape(tf.matMul(targets, tf.tensor2d([...classWeights], [classWeights.length, 1])), [-1]);

/** The layers' own variables, which `read` hands out as tensors. */
const trainableVariables = (network: LayersModel): tf.Variable[] =>
  network.trainableWeights.map((weight) => weight.read()).filter((value) => value instanceof tf.Variable);
