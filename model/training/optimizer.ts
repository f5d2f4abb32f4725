import * as tf from '@tensorflow/tfjs-core';

/** Share of the first and of the second moment that is kept at each step (Kingma and Ba 2015). */
const BETAS = [0.9, 0.999] as const;
const EPSILON = 1e-7;

/** Running means of a variable's gradient and of its square. */
interface Moments {
  readonly first: tf.Variable;
  readonly second: tf.Variable;
}

/** The next powers of the betas, in float32 like all that they are used with. */
const nextPowers = (powers: readonly number[]): number[] =>
  BETAS.map((beta, index) => Math.fround((powers[index] ?? 1) * Math.fround(beta)));

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019) and a learning rate that can be scheduled. It takes the
 * very steps of TensorFlow.js's Adam, whose state cannot be restored to the bit.
 */
export class AdamW {
  readonly #decay: number;
  readonly #moments = new Map<tf.Variable, Moments>();
  /** Each beta to the power of the steps taken. */
  #powers: readonly number[] = [];

  /** @param decay share of a matrix's or kernel's weights taken away per step, times the learning rate */
  constructor(decay: number) {
    this.#decay = decay;
  }

  /** One step at `learningRate`. Biases, scales and offsets (rank 1) are not decayed. */
  step(gradients: Record<string, tf.Tensor>, variables: readonly tf.Variable[], learningRate: number): void {
    this.#powers = nextPowers(this.#powers);
    const biases = this.#powers.map((power) => Math.fround(1 - power));
    for (const variable of variables) {
      const gradient = gradients[variable.name];
      if (!gradient) continue;
      tf.tidy(() => {
        this.#descend(variable, gradient, learningRate, biases);
        if (variable.rank >= 2) variable.assign(tf.mul(variable, 1 - learningRate * this.#decay));
      });
    }
  }

  #descend(
    variable: tf.Variable,
    gradient: tf.Tensor,
    learningRate: number,
    [firstBias = 1, secondBias = 1]: readonly number[],
  ): void {
    const { first, second } = this.#momentsOf(variable);
    const [keepFirst, keepSecond] = BETAS;
    first.assign(tf.add(tf.mul(first, keepFirst), tf.mul(gradient, 1 - keepFirst)));
    second.assign(tf.add(tf.mul(second, keepSecond), tf.mul(tf.square(gradient), 1 - keepSecond)));
    const scale = tf.add(tf.sqrt(tf.div(second, secondBias)), EPSILON);
    variable.assign(tf.add(tf.mul(tf.div(tf.div(first, firstBias), scale), -learningRate), variable));
  }

  #momentsOf(variable: tf.Variable): Moments {
    const known = this.#moments.get(variable);
    if (known) return known;
    const zeros = () => tf.tidy(() => tf.variable(tf.zerosLike(variable), false));
    const moments = { first: zeros(), second: zeros() };
    this.#moments.set(variable, moments);
    return moments;
  }

  /** What the next step depends on besides the variables: the moments of each, first and second in turn. */
  moments(variables: readonly tf.Variable[]): tf.Variable[] {
    return variables.flatMap((variable) => {
      const { first, second } = this.#momentsOf(variable);
      return [first, second];
    });
  }

  /** Goes on as after `steps` steps; the moments are restored by assigning to {@link moments}. */
  resume(steps: number): void {
    this.#powers = [];
    for (let step = 0; step < steps; step++) this.#powers = nextPowers(this.#powers);
  }

  dispose(): void {
    for (const { first, second } of this.#moments.values()) tf.dispose([first, second]);
  }
}

/** Linear warm-up over the first `warmup` share of the steps, then a half cosine down to zero. */
export const learningRateAt = (progress: number, peak: number, warmup = 0.05): number =>
  progress < warmup
    ? peak * Math.min(1, (progress + 1e-3) / warmup)
    : (peak * (1 + Math.cos((Math.PI * (progress - warmup)) / (1 - warmup)))) / 2;
