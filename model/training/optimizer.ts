import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { assignValues, readValues, type WeightValues } from '../network/weights.ts';
import type { Recipe } from './recipe.ts';

/** Share of the first and of the second moment that is kept at each step (Kingma and Ba 2015). */
type Betas = readonly [first: number, second: number];
const BETAS: Betas = [0.9, 0.999];
const EPSILON = 1e-7;

/** The next powers of the betas, in float32 like all that they are used with. */
const nextPowers = (powers: readonly number[], betas: Betas): number[] =>
  betas.map((beta, index) => Math.fround((powers[index] ?? 1) * Math.fround(beta)));

/** Linear warm-up over the first `warmup` share of the steps, then a half cosine down to zero. */
export const learningRateAt = (progress: number, peak: number, warmup = 0.05): number =>
  progress < warmup
    ? peak * Math.min(1, (progress + 1e-3) / warmup)
    : (peak * (1 + Math.cos((Math.PI * (progress - warmup)) / (1 - warmup)))) / 2;

/** The weights of a layers model, in their order: its layers' own variables. */
export const networkVariables = (weights: LayersModel['weights']): tf.Variable[] =>
  weights.map((weight) => weight.read()).filter((value) => value instanceof tf.Variable);

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

export interface StepResult {
  /** Mean over the batch, before the step. */
  readonly loss: number;
  /** Photos whose heaviest target was predicted. */
  readonly correct: number;
}

/**
 * What changes while a network is trained: its weights, the optimizer's moments, and a moving average of the weights,
 * which generalizes better than the last step's (Polyak and Juditsky 1992); batch normalization's moments included.
 *
 * The optimizer is Adam with decoupled weight decay (Loshchilov and Hutter 2019) and a learning rate that can be
 * scheduled. It takes the very steps of TensorFlow.js's Adam, whose state cannot be restored to the bit.
 */
export class OptimizerState {
  readonly #weights: readonly tf.Variable[];
  readonly #average: readonly tf.Variable[];
  /** What gradients change, with the running means of its gradient and of its square. */
  readonly #trained: readonly {
    readonly variable: tf.Variable;
    readonly first: tf.Variable;
    readonly second: tf.Variable;
  }[];
  readonly #recipe: Pick<Recipe, 'weightDecay' | 'emaDecay'>;
  readonly #rateOf: (weight: tf.Variable) => number;
  readonly #betas: Betas;
  /** Each beta to the power of the steps taken. */
  #powers: readonly number[] = [];
  #steps = 0;

  /**
   * @param recipe.weightDecay share of a matrix's or kernel's weights taken away per step, times the learning rate
   * @param recipe.emaDecay share of the average that is kept at each step
   */
  constructor(
    { weights, trained = weights, rateOf = () => 1, betas = BETAS }: Trainable,
    recipe: Pick<Recipe, 'weightDecay' | 'emaDecay'>,
  ) {
    this.#weights = weights;
    this.#average = weights.map((weight) => tf.variable(weight, false));
    const zeros = (variable: tf.Variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false));
    this.#trained = trained.map((variable) => ({
      variable,
      first: zeros(variable),
      second: zeros(variable),
    }));
    this.#recipe = recipe;
    this.#rateOf = rateOf;
    this.#betas = betas;
  }

  /**
   * One step towards the targets of a batch.
   *
   * @param targets float32 `[N, classes]`
   * @param weights how much each photo counts in the loss: float32 `[N]`. Absent: all the same
   * @param forward gives the logits, float32 `[N, classes]`
   */
  async learn(
    targets: tf.Tensor2D,
    weights: tf.Tensor1D | undefined,
    learningRate: number,
    forward: () => unknown,
  ): Promise<StepResult> {
    const correct = tf.tidy(() => tf.variable(tf.scalar(0), false));
    const { value, grads } = tf.variableGrads(
      () => {
        const logits = forward();
        if (!(logits instanceof tf.Tensor)) throw new Error('The network must have one output.');
        correct.assign(tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1)), 'float32')));
        return tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits, weights), []);
      },
      this.#trained.map(({ variable }) => variable),
    );
    this.step(grads, learningRate);
    const [loss = Number.NaN] = await value.data();
    const [hits = 0] = await correct.data();
    tf.dispose([value, grads, correct]);
    return { loss, correct: hits };
  }

  /**
   * Biases, scales and offsets (rank 1) are not decayed.
   *
   * @param gradients by the names of the variables; one without a gradient is left alone
   */
  step(gradients: Readonly<Record<string, tf.Tensor>>, learningRate: number): void {
    this.#powers = nextPowers(this.#powers, this.#betas);
    const [firstBias = 1, secondBias = 1] = this.#powers.map((power) => Math.fround(1 - power));
    const [keepFirst, keepSecond] = this.#betas;
    for (const { variable, first, second } of this.#trained) {
      const gradient = gradients[variable.name];
      if (!gradient) continue;
      const rate = learningRate * this.#rateOf(variable);
      tf.tidy(() => {
        first.assign(tf.add(tf.mul(first, keepFirst), tf.mul(gradient, 1 - keepFirst)));
        second.assign(tf.add(tf.mul(second, keepSecond), tf.mul(tf.square(gradient), 1 - keepSecond)));
        const scale = tf.add(tf.sqrt(tf.div(second, secondBias)), EPSILON);
        variable.assign(tf.add(tf.mul(tf.div(tf.div(first, firstBias), scale), -rate), variable));
        if (variable.rank >= 2) variable.assign(tf.mul(variable, 1 - rate * this.#recipe.weightDecay));
      });
    }
    this.#steps += 1;
    // Less in the first steps, which it would remember too long.
    const kept = Math.min(this.#recipe.emaDecay, (1 + this.#steps) / (10 + this.#steps));
    this.#average.forEach((average, index) => {
      const weight = this.#weights[index] ?? average;
      tf.tidy(() => average.assign(tf.add(tf.mul(average, kept), tf.mul(weight, 1 - kept))));
    });
  }

  #assign(values: readonly tf.Tensor[]): void {
    this.#weights.forEach((weight, index) => weight.assign(values[index] ?? weight));
  }

  /** Runs `work` while the network holds its averaged weights, and puts the trained ones back. */
  async withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    const trained = this.#weights.map((weight) => tf.clone<tf.Tensor>(weight));
    this.#assign(this.#average);
    try {
      return await work();
    } finally {
      this.#assign(trained);
      tf.dispose(trained);
    }
  }

  /** The averaged weights, in their order. */
  averagedWeights(): Promise<WeightValues> {
    return readValues(this.#average);
  }

  /** The average starts again from the weights as they are. */
  restartAverage(): void {
    this.#average.forEach((average, index) => average.assign(this.#weights[index] ?? average));
  }

  get #moments(): tf.Variable[] {
    return this.#trained.flatMap(({ first, second }) => [first, second]);
  }

  /** What the next step depends on, besides the random numbers and how many steps there were before it. */
  async state(): Promise<OptimizerTensors> {
    return {
      network: await readValues(this.#weights),
      average: await this.averagedWeights(),
      moments: await readValues(this.#moments),
    };
  }

  /**
   * Continues as the training that had this state after so many steps.
   *
   * @throws Error when it is another network's
   */
  restore({ network = [], average = [], moments = [] }: OptimizerTensors, steps: number): void {
    assignValues(this.#weights, network);
    assignValues(this.#average, average);
    assignValues(this.#moments, moments);
    this.#steps = steps;
    this.#powers = [];
    for (let step = 0; step < steps; step++) this.#powers = nextPowers(this.#powers, this.#betas);
  }

  /** Leaves `best` in the network, or else the averaged weights; steps taken after that start from them. */
  finish(best?: WeightValues): void {
    if (best) assignValues(this.#weights, best);
    else this.#assign(this.#average);
  }

  /** No more steps can be taken. */
  dispose(): void {
    tf.dispose([...this.#average, ...this.#moments]);
  }
}
