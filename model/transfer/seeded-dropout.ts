import * as tf from '@tensorflow/tfjs-core';
import { layers, type Shape } from '@tensorflow/tfjs-layers';
import { seededRandom } from '../random.ts';

/**
 * Dropout that can be repeated. TensorFlow.js's own, once it is given a seed, drops the very same neurons at every step.
 */
export class SeededDropout extends layers.Layer {
  static readonly className = 'SeededDropout';
  readonly #rate: number;
  readonly #random: () => number;

  /** @param rate fraction that is dropped while training */
  constructor(rate: number, seed: number) {
    super({});
    this.#rate = rate;
    this.#random = seededRandom(seed);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], options: Record<string, unknown>): tf.Tensor {
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    if (!x) throw new Error(`${this.name} must have an input.`);
    if (options['training'] !== true) return tf.clone(x);
    return tf.dropout(x, this.#rate, undefined, Math.floor(this.#random() * 2 ** 31));
  }
}
