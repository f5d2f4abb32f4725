import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { assignValues, readValues, setWeightValues, type WeightValues } from '../network/weights.ts';
import type { Recipe } from './recipe.ts';

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

  /** Continues as after `steps` steps; the moments are restored by assigning to {@link moments}. */
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

/**
 * A moving average of a model's weights over the steps: it generalizes better than the last step's weights
 * (Polyak and Juditsky 1992), batch normalization's moving moments included.
 */
export class WeightsEma {
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

  /** Continues as after `steps` updates; the average itself is restored by assigning to {@link average}. */
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

/** Tensors by group, as a checkpoint keeps them. */
type OptimizerTensors = Readonly<Record<string, WeightValues>>;

/** What changes while a network is trained: its weights, the optimizer's moments, and the moving average of the weights. */
export class OptimizerState {
  readonly #trained: LayersModel;
  readonly #network: LayersModel;
  readonly #emaDecay: number;
  readonly #optimizer: AdamW;
  readonly #ema: WeightsEma;
  readonly variables: tf.Variable[];

  /**
   * @param network whose weights are averaged, and remain
   * @param trained the same network, or one around it with more outputs to learn from
   */
  constructor(
    network: LayersModel,
    { weightDecay, emaDecay }: Pick<Recipe, 'weightDecay' | 'emaDecay'>,
    trained: LayersModel = network,
  ) {
    this.#network = network;
    this.#trained = trained;
    this.#emaDecay = emaDecay;
    this.#optimizer = new AdamW(weightDecay);
    this.#ema = new WeightsEma(network);
    this.variables = trainableVariables(trained);
  }

  /** @param gradients by the names of {@link variables} */
  step(gradients: Record<string, tf.Tensor>, learningRate: number): void {
    this.#optimizer.step(gradients, this.variables, learningRate);
    this.#ema.update(this.#emaDecay);
  }

  /** Runs `work` while the network holds its averaged weights. */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return this.#ema.during(work);
  }

  /** The averaged weights, in the order of the network's. */
  averagedWeights(): Promise<WeightValues> {
    return readValues(this.#ema.average);
  }

  /** What the next step depends on, besides the random numbers and how many steps there were before it. */
  async state(): Promise<OptimizerTensors> {
    return {
      network: await readValues(this.#trained.getWeights()),
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
    setWeightValues(this.#trained, network);
    assignValues(this.#ema.average, average);
    assignValues(this.#optimizer.moments(this.variables), moments);
    this.#ema.resume(steps);
    this.#optimizer.resume(steps);
  }

  /** Leaves `best` in the network, or else the averaged weights; steps taken after that start from them. */
  finish(best?: WeightValues): void {
    if (best) setWeightValues(this.#network, best);
    else this.#ema.apply();
  }

  /** No more steps can be taken. */
  dispose(): void {
    this.#ema.dispose();
    this.#optimizer.dispose();
  }
}

/** The layers' own variables, which `read` hands out as tensors. */
const trainableVariables = (network: LayersModel): tf.Variable[] =>
  network.trainableWeights.map((weight) => weight.read()).filter((value) => value instanceof tf.Variable);
