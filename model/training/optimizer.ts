import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { assignValues, readValues, type WeightValues } from '../network/weights.ts';
import type { Recipe } from './recipe.ts';

/** Share of the first and of the second moment that is kept at each step (Kingma and Ba 2015). */
type Betas = readonly [first: number, second: number];
const BETAS: Betas = [0.9, 0.999];
const EPSILON = 1e-7;

/** Running means of a variable's gradient and of its square. */
interface Moments {
  readonly first: tf.Variable;
  readonly second: tf.Variable;
}

/** The next powers of the betas, in float32 like all that they are used with. */
const nextPowers = (powers: readonly number[], betas: Betas): number[] =>
  betas.map((beta, index) => Math.fround((powers[index] ?? 1) * Math.fround(beta)));

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019) and a learning rate that can be scheduled. It takes the
 * very steps of TensorFlow.js's Adam, whose state cannot be restored to the bit.
 */
export class AdamW {
  readonly #decay: number;
  readonly #betas: Betas;
  readonly #moments = new Map<tf.Variable, Moments>();
  /** Each beta to the power of the steps taken. */
  #powers: readonly number[] = [];

  /** @param decay share of a matrix's or kernel's weights taken away per step, times the learning rate */
  constructor(decay: number, betas = BETAS) {
    this.#decay = decay;
    this.#betas = betas;
  }

  /**
   * One step. Biases, scales and offsets (rank 1) are not decayed.
   *
   * @param rateOf what the learning rate of a variable is multiplied by
   */
  step(
    gradients: Record<string, tf.Tensor>,
    variables: readonly tf.Variable[],
    learningRate: number,
    rateOf: (variable: tf.Variable) => number = () => 1,
  ): void {
    this.#powers = nextPowers(this.#powers, this.#betas);
    const biases = this.#powers.map((power) => Math.fround(1 - power));
    for (const variable of variables) {
      const gradient = gradients[variable.name];
      if (!gradient) continue;
      const rate = learningRate * rateOf(variable);
      tf.tidy(() => {
        this.#descend(variable, gradient, rate, biases);
        if (variable.rank >= 2) variable.assign(tf.mul(variable, 1 - rate * this.#decay));
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
    const [keepFirst, keepSecond] = this.#betas;
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

  /** Continues as after `steps` steps; the moments are restored by assigning to {@link moments}. */
  resume(steps: number): void {
    this.#powers = [];
    for (let step = 0; step < steps; step++) this.#powers = nextPowers(this.#powers, this.#betas);
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

/** The weights of a layers model, in their order: its layers' own variables. */
export const networkVariables = (weights: LayersModel['weights']): tf.Variable[] =>
  weights.map((weight) => weight.read()).filter((value) => value instanceof tf.Variable);

/**
 * A moving average of weights over the steps: it generalizes better than the last step's weights
 * (Polyak and Juditsky 1992), batch normalization's moving moments included.
 */
export class WeightsEma {
  readonly #weights: readonly tf.Variable[];
  readonly #average: tf.Variable[];
  #steps = 0;

  constructor(weights: readonly tf.Variable[]) {
    this.#weights = weights;
    this.#average = weights.map((weight) => tf.variable(weight, false));
  }

  /** In the order of the weights. */
  get average(): readonly tf.Variable[] {
    return this.#average;
  }

  /** @param decay share of the average that is kept; less in the first steps, which it would remember too long */
  update(decay: number): void {
    this.#steps += 1;
    const kept = Math.min(decay, (1 + this.#steps) / (10 + this.#steps));
    this.#average.forEach((average, index) => {
      const weight = this.#weights[index];
      if (weight === undefined) return;
      tf.tidy(() => average.assign(tf.add(tf.mul(average, kept), tf.mul(weight, 1 - kept))));
    });
  }

  /** Continues as after `steps` updates; the average itself is restored by assigning to {@link average}. */
  resume(steps: number): void {
    this.#steps = steps;
  }

  /** Runs `work` while the weights are the averaged ones, and puts the trained ones back. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const trained = this.#weights.map((weight) => tf.clone<tf.Tensor>(weight));
    this.apply();
    try {
      return await work();
    } finally {
      this.#assign(trained);
      tf.dispose(trained);
    }
  }

  /** Leaves the averaged weights in place for good. */
  apply(): void {
    this.#assign(this.#average);
  }

  #assign(values: readonly tf.Tensor[]): void {
    this.#weights.forEach((weight, index) => weight.assign(values[index] ?? weight));
  }

  dispose(): void {
    tf.dispose(this.#average);
  }
}

/** Tensors by group, as a checkpoint keeps them. */
type OptimizerTensors = Readonly<Record<string, WeightValues>>;

/** What is trained, and how. */
export interface Trainable {
  /** All weights that change, those that no gradient changes included. They are averaged, and remain. */
  readonly weights: readonly tf.Variable[];
  /** Those that gradients change. @default all */
  readonly trained?: readonly tf.Variable[];
  /** How much faster than the others a weight learns. @default 1 each */
  readonly rateOf?: (weight: tf.Variable) => number;
  /** Moments of the gradients that are kept at each step. @default 0.9 and 0.999 */
  readonly betas?: Betas;
}

/** What changes while a network is trained: its weights, the optimizer's moments, and the moving average of the weights. */
export class OptimizerState {
  readonly #weights: readonly tf.Variable[];
  readonly #emaDecay: number;
  readonly #optimizer: AdamW;
  readonly #rateOf: (weight: tf.Variable) => number;
  readonly #ema: WeightsEma;
  readonly variables: tf.Variable[];

  constructor(
    { weights, trained = weights, rateOf = () => 1, betas }: Trainable,
    { weightDecay, emaDecay }: Pick<Recipe, 'weightDecay' | 'emaDecay'>,
  ) {
    this.#weights = weights;
    this.#emaDecay = emaDecay;
    this.#optimizer = new AdamW(weightDecay, betas);
    this.#rateOf = rateOf;
    this.#ema = new WeightsEma(weights);
    this.variables = [...trained];
  }

  /** @param gradients by the names of {@link variables} */
  step(gradients: Record<string, tf.Tensor>, learningRate: number): void {
    this.#optimizer.step(gradients, this.variables, learningRate, this.#rateOf);
    this.#ema.update(this.#emaDecay);
  }

  /** Runs `work` while the network holds its averaged weights. */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return this.#ema.during(work);
  }

  /** The averaged weights, in their order. */
  averagedWeights(): Promise<WeightValues> {
    return readValues(this.#ema.average);
  }

  /** The average starts again from the weights as they are. */
  restartAverage(): void {
    this.#ema.average.forEach((average, index) => average.assign(this.#weights[index] ?? average));
  }

  /** What the next step depends on, besides the random numbers and how many steps there were before it. */
  async state(): Promise<OptimizerTensors> {
    return {
      network: await readValues(this.#weights),
      average: await this.averagedWeights(),
      moments: await readValues(this.#optimizer.moments(this.variables)),
    };
  }

  /**
   * Continues as the training that had this state after so many steps.
   *
   * @throws Error when it is another network's
   */
  restore({ network = [], average = [], moments = [] }: OptimizerTensors, steps: number): void {
    assignValues(this.#weights, network);
    assignValues(this.#ema.average, average);
    assignValues(this.#optimizer.moments(this.variables), moments);
    this.#ema.resume(steps);
    this.#optimizer.resume(steps);
  }

  /** Leaves `best` in the network, or else the averaged weights; steps taken after that start from them. */
  finish(best?: WeightValues): void {
    if (best) assignValues(this.#weights, best);
    else this.#ema.apply();
  }

  /** No more steps can be taken. */
  dispose(): void {
    this.#ema.dispose();
    this.#optimizer.dispose();
  }
}
