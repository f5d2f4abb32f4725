import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { evaluate, interruptible, networkPredictFn } from '../evaluation/evaluate.ts';
import type { Random } from '../shared/random.ts';
import { augmentInto } from './augment.ts';
import type { Example } from './dataset.ts';
import { Descent } from './descent.ts';
import type { Learner, LearnerOptions, Scores, StepOptions, StepResult } from './learner.ts';
import { type Batch, mix } from './mix.ts';
import { withHint } from './network.ts';
import { reseedDropout } from './seeded-dropout.ts';
import { targetTensor } from './tensors.ts';

/** A pretrained network whose features another one must predict too. */
export interface Guide {
  /** Length of a feature vector. */
  readonly features: number;
  /**
   * @param photos float32 `[N, side, side, 3]` in [-1, 1]
   * @returns float32 `[N, features]`, each about mean 0 and deviation 1
   */
  readonly describe: (photos: tf.Tensor4D) => tf.Tensor2D;
}

export interface TrainerOptions extends LearnerOptions {
  /** Photos that are not trained on; may be none. */
  readonly validation: readonly Example[];
  /** Side of the photos at the training's start, in pixels; it grows to 224. */
  readonly firstSide: number;
  /** Whose features the network must predict too. */
  readonly teacher: Guide | undefined;
  /** Weight of the teacher's part of the loss. */
  readonly teacherWeight: number;
}

/** Teaches a whole network, from changed and mixed photos. */
export class Trainer implements Learner<Example> {
  readonly #options: TrainerOptions;
  readonly #network: LayersModel;
  /** The network, with a second output if there is a teacher. */
  readonly #taught: LayersModel;
  readonly descent: Descent;

  constructor(network: LayersModel, options: TrainerOptions) {
    const { teacher } = options;
    this.#options = options;
    this.#network = network;
    this.#taught = teacher ? withHint(network, teacher.features) : network;
    this.descent = new Descent(network, options, this.#taught);
  }

  async step(
    batch: readonly Example[],
    { progress, learningRate, random }: StepOptions,
  ): Promise<StepResult> {
    const { firstSide, classWeights, teacher, teacherWeight } = this.#options;
    reseedDropout(this.#network, random);
    const { photos, targets } = this.#augment(batch, sideAt(progress, firstSide), random);
    const taught = teacher?.describe(photos);
    const correct = tf.tidy(() => tf.variable(tf.scalar(0), false));
    const { value, grads } = tf.variableGrads(() => {
      const { logits, hint } = this.#predict(photos);
      correct.assign(tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1)), 'float32')));
      const weights = classWeights && weightOf(targets, classWeights);
      const loss = tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits, weights), []);
      if (!hint || !taught) return loss;
      const distance = tf.mean(tf.squaredDifference(hint, taught));
      return tf.add<tf.Scalar>(loss, tf.mul(distance, teacherWeight));
    }, this.descent.variables);
    this.descent.step(grads, learningRate);
    const [loss = Number.NaN] = await value.data();
    const [hits = 0] = await correct.data();
    tf.dispose([photos, targets, value, grads, correct, ...(taught ? [taught] : [])]);
    return { loss, correct: hits };
  }

  #augment(batch: readonly Example[], side: number, random: Random): Batch {
    return tf.tidy(() => {
      const photos = augmentedTensor(batch, side, random);
      const targets = targetTensor(batch, this.#options.classes, this.#options.labelSmoothing);
      const mixed = mix({ photos, targets }, random);
      return { photos: mixed.photos, targets: mixed.targets };
    });
  }

  #predict(photos: tf.Tensor): { logits: tf.Tensor; hint: tf.Tensor | undefined } {
    const outputs = this.#taught.apply(photos, { training: true });
    const [logits, hint] = Array.isArray(outputs) ? outputs : [outputs];
    if (!(logits instanceof tf.Tensor)) throw new Error('The network must have logits.');
    return { logits, hint: hint instanceof tf.Tensor ? hint : undefined };
  }

  async watch(signal: AbortSignal | undefined, when: string): Promise<Scores | undefined> {
    const { classes, validation } = this.#options;
    if (validation.length === 0) return undefined;
    const predict = interruptible(networkPredictFn(this.#network), signal, when);
    return this.descent.withAveragedWeights(() => evaluate(predict, classes, validation));
  }
}

/** The photos grow over the first 70 % of the training: small ones are cheap and good enough for the start. */
const sideAt = (progress: number, first: number): number => {
  const step = 16;
  const grown = first + (PHOTO_SIDE - first) * Math.min(1, progress / 0.7);
  return Math.min(PHOTO_SIDE, Math.round(grown / step) * step);
};

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
