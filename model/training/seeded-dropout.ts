import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, type Shape } from '@tensorflow/tfjs-layers';
import type { Random } from '../shared/random.ts';

/**
 * Dropout that can be repeated, and gone on with. TensorFlow.js's own, once it is given a seed, drops the very same
 * neurons at every step; without one it cannot be repeated.
 */
export class SeededDropout extends layers.Layer {
  static readonly className = 'SeededDropout';
  readonly #rate: number;
  #seed = 1;

  /** @param rate fraction that is dropped while training */
  constructor(rate: number) {
    super({});
    this.#rate = rate;
  }

  /** Decides what the next step drops. */
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

/** Draws anew what a network drops. */
export const reseedDropout = (network: LayersModel, random: Random): void => {
  for (const layer of network.layers) if (layer instanceof SeededDropout) layer.reseed(random);
};
