import * as tf from '@tensorflow/tfjs-core';

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019) and a learning rate that can be scheduled. */
export class AdamW extends tf.AdamOptimizer {
  readonly #decay: number;

  /** @param decay share of a matrix's or kernel's weights taken away per step, times the learning rate */
  constructor(decay: number) {
    super(0, 0.9, 0.999, 1e-7);
    this.#decay = decay;
  }

  /** One step at `learningRate`. Biases, scales and offsets (rank 1) are not decayed. */
  step(gradients: Record<string, tf.Tensor>, variables: readonly tf.Variable[], learningRate: number): void {
    this.learningRate = learningRate;
    this.applyGradients(Object.entries(gradients).map(([name, tensor]) => ({ name, tensor })));
    for (const variable of variables) {
      if (variable.rank < 2 || !(variable.name in gradients)) continue;
      tf.tidy(() => variable.assign(tf.mul(variable, 1 - learningRate * this.#decay)));
    }
  }
}

/** Linear warm-up over the first `warmup` share of the steps, then a half cosine down to zero. */
export const learningRateAt = (progress: number, peak: number, warmup = 0.05): number =>
  progress < warmup
    ? peak * Math.min(1, (progress + 1e-3) / warmup)
    : (peak * (1 + Math.cos((Math.PI * (progress - warmup)) / (1 - warmup)))) / 2;
