import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * A moving average of a model's weights over the steps: it generalizes better than the last step's weights
 * (Polyak and Juditsky 1992), batch normalization's moving moments included.
 */
export class AveragedWeights {
  readonly #model: LayersModel;
  readonly #average: tf.Variable[];
  #steps = 0;

  constructor(model: LayersModel) {
    this.#model = model;
    this.#average = model.getWeights().map((weight) => tf.variable(weight, false));
  }

  /** In the order of the model's weights. */
  get average(): readonly tf.Variable[] {
    return this.#average;
  }

  /** @param decay share of the average that is kept; less in the first steps, which it would remember too long */
  update(decay: number): void {
    this.#steps += 1;
    const kept = Math.min(decay, (1 + this.#steps) / (10 + this.#steps));
    const weights = this.#model.getWeights();
    this.#average.forEach((average, index) => {
      const weight = weights[index];
      if (weight === undefined) return;
      tf.tidy(() => average.assign(tf.add(tf.mul(average, kept), tf.mul(weight, 1 - kept))));
    });
  }

  /** Goes on as after `steps` updates; the average itself is restored by assigning to {@link average}. */
  resume(steps: number): void {
    this.#steps = steps;
  }

  /** Runs `work` on a model that holds the averaged weights, and puts the trained ones back. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const trained = this.#model.getWeights().map((weight) => tf.clone(weight));
    this.#model.setWeights(this.#average);
    try {
      return await work();
    } finally {
      this.#model.setWeights(trained);
      tf.dispose(trained);
    }
  }

  /** Leaves the averaged weights in the model for good. */
  apply(): void {
    this.#model.setWeights(this.#average);
  }

  dispose(): void {
    tf.dispose(this.#average);
  }
}
