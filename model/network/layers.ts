import * as tf from '@tensorflow/tfjs-core';
import {
  initializers,
  type LayersModel,
  type LayerVariable,
  layers,
  type Shape,
  SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import type { Random } from '../shared/random.ts';

const EPSILON = 1e-3;
const MOMENTUM = 0.95;

/** The channels' moments over all the other dimensions. */
interface Moments {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

const rows = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, x.shape.at(-1) ?? 1]);

const moments = (x: tf.Tensor): Moments => {
  const mean = tf.mean(rows(x), 0);
  const meanOfSquares = tf.mean(tf.square(rows(x)), 0);
  return { mean, variance: tf.relu(tf.sub(meanOfSquares, tf.square(mean))) };
};

const scaleAndShift = (x: tf.Tensor, { mean, variance }: Moments, gamma: tf.Tensor, beta: tf.Tensor) => {
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, EPSILON)));
  return tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale)));
};

/**
 * The gradients with respect to x, gamma and beta (Ioffe and Szegedy 2015, section 3), collected into `a dy + b x + c`
 * with per-channel a, b and c, so that the activation is passed over a few times only.
 */
const gradients = (dy: tf.Tensor, x: tf.Tensor, gamma: tf.Tensor, { mean, variance }: Moments) => {
  const count = rows(x).shape[0];
  const inverse = tf.rsqrt(tf.add(variance, EPSILON));
  const dBeta = tf.sum(rows(dy), 0);
  const dGamma = tf.mul(tf.sub(tf.sum(tf.mul(rows(dy), rows(x)), 0), tf.mul(mean, dBeta)), inverse);
  const a = tf.mul(gamma, inverse);
  const b = tf.div(tf.mul(tf.mul(a, inverse), dGamma), -count);
  const c = tf.sub(tf.div(tf.mul(a, dBeta), -count), tf.mul(b, mean));
  return [tf.add(tf.add(tf.mul(dy, a), tf.mul(x, b)), c), dGamma, dBeta];
};

/** Normalizes by the batch's moments and passes them to `observe`. */
const normalizeBatch = (
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  observe: (batch: Moments) => void,
): tf.Tensor =>
  tf.customGrad((...inputs) => {
    const save = inputs.at(-1);
    const batch = moments(x);
    observe(batch);
    if (typeof save === 'function') save([x, gamma, batch.mean, batch.variance]);
    return {
      value: scaleAndShift(x, batch, gamma, beta),
      gradFunc: (dy, [x = dy, gamma = dy, mean = dy, variance = dy]) =>
        gradients(dy, x, gamma, { mean, variance }),
    };
  })(x, gamma, beta);

/**
 * Batch normalization over the last dimension, with learned scale and offset.
 *
 * Equivalent to `layers.batchNormalization`, whose gradient TensorFlow.js composes of so many passes over the
 * activation that it takes half of a training step; here the gradient is written out.
 */
export class BatchNorm extends layers.Layer {
  static readonly className = 'BatchNorm';
  /** Added to the variance before taking its square root. */
  readonly epsilon = EPSILON;
  #gamma: LayerVariable | undefined;
  #beta: LayerVariable | undefined;
  #mean: LayerVariable | undefined;
  #variance: LayerVariable | undefined;

  override build(inputShape: Shape | Shape[]): void {
    const channels = inputShape.at(-1);
    if (typeof channels !== 'number') throw new Error(`${this.name}: the number of channels must be known.`);
    const weight = (name: string, initializer: 'ones' | 'zeros', trainable: boolean) =>
      this.addWeight(name, [channels], 'float32', initializers[initializer](), undefined, trainable);
    this.#gamma = weight('gamma', 'ones', true);
    this.#beta = weight('beta', 'zeros', true);
    this.#mean = weight('moving_mean', 'zeros', false);
    this.#variance = weight('moving_variance', 'ones', false);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  /** @param inputs float32 `[..., C]` @returns the same shape */
  override call(inputs: tf.Tensor | tf.Tensor[], options: Record<string, unknown>): tf.Tensor {
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    const [gamma, beta, mean, variance] = [this.#gamma, this.#beta, this.#mean, this.#variance];
    if (!x || !gamma || !beta || !mean || !variance)
      throw new Error(`${this.name} was called before it was built.`);
    return tf.tidy(() => {
      if (options['training'] !== true) {
        return scaleAndShift(x, { mean: mean.read(), variance: variance.read() }, gamma.read(), beta.read());
      }
      return normalizeBatch(x, gamma.read(), beta.read(), (batch) => {
        moveTowards(mean, batch.mean);
        moveTowards(variance, batch.variance);
      });
    });
  }
}

const moveTowards = (moving: LayerVariable, value: tf.Tensor): void =>
  tf.tidy(() => {
    moving.write(tf.add(tf.mul(moving.read(), MOMENTUM), tf.mul(value, 1 - MOMENTUM)));
  });

/** Reproducible dropout. TensorFlow.js's own, if it has a seed, drops the same neurons at every step. */
export class SeededDropout extends layers.Layer {
  static readonly className = 'SeededDropout';
  readonly #rate: number;
  #seed = 1;

  /** @param rate fraction that is dropped during training */
  constructor(rate: number) {
    super({});
    this.#rate = rate;
  }

  /** Sets the seed for the next step. */
  reseed(random: Random): void {
    this.#seed = Math.floor(random() * 2 ** 31);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], options: Record<string, unknown>): tf.Tensor {
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    if (!x) throw new Error(`${this.name} must have an input.`);
    if (options['training'] !== true) return tf.clone(x);
    return tf.dropout(x, this.#rate, undefined, this.#seed);
  }
}

/** Draws new seeds for a network's dropout layers. */
export const reseedDropout = (network: LayersModel, random: Random): void => {
  for (const layer of network.layers) if (layer instanceof SeededDropout) layer.reseed(random);
};

/** Applies a layer to the outputs of others and returns its only output. */
export const applied = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]): SymbolicTensor => {
  const output = layer.apply(x);
  if (output instanceof SymbolicTensor) return output;
  throw new Error(`Layer ${layer.name} must have exactly one output.`);
};
