import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { assignValues, readValues, type WeightValues } from '../network/weights.ts';
import type { Recipe } from './recipe.ts';

/** Decay of the first and of the second moment per step (Kingma and Ba 2015). */
type Betas = readonly [first: number, second: number];
const BETAS: Betas = [0.9, 0.999];
const EPSILON = 1e-7;

/** The next powers of the betas, in float32 like everything they are used with. */
const nextPowers = (powers: readonly number[], betas: Betas): number[] =>
  betas.map((beta, index) => Math.fround((powers[index] ?? 1) * Math.fround(beta)));

/** Linear warm-up over the first `warmup` share of the steps, then a half cosine down to zero. */
export const learningRateAt = (progress: number, peak: number, warmup = 0.05): number =>
  progress < warmup
    ? peak * Math.min(1, (progress + 1e-3) / warmup)
    : (peak * (1 + Math.cos((Math.PI * (progress - warmup)) / (1 - warmup)))) / 2;

/** The weights of a layers model as its layers' variables, in order. */
export const networkVariables = (weights: LayersModel['weights']): tf.Variable[] =>
  weights.map((weight) => weight.read()).filter((value) => value instanceof tf.Variable);

/** Tensors by group, as stored in checkpoints. */
type OptimizerTensors = Readonly<Record<string, WeightValues>>;

/** The weights to train, and how. */
export interface Trainable {
  /** All weights that change, including those without gradients. They are averaged, and not disposed of. */
  readonly weights: readonly tf.Variable[];
  /** Those that are changed by gradients. @default all */
  readonly trained?: readonly tf.Variable[];
  /** Relative learning rate of each weight. @default 1 each */
  readonly rateOf?: (weight: tf.Variable) => number;
  /** Decay of the gradients' moments per step. @default 0.9 and 0.999 */
  readonly betas?: Betas;
}

export interface StepResult {
  /** Mean loss of the batch, before the step. */
  readonly loss: number;
  /** Photos whose largest target was predicted. */
  readonly correct: number;
}

/**
 * Everything that changes while a network is trained: its weights including batch normalization's moments, the
 * optimizer's moments, and a moving average of the weights, which generalizes better than the last step (Polyak and
 * Juditsky 1992).
 *
 * The optimizer is Adam with decoupled weight decay (Loshchilov and Hutter 2019) and a learning rate schedule. Its
 * steps are exactly those of TensorFlow.js's Adam, whose state cannot be restored bit for bit.
 */
export class OptimizerState {
  readonly #weights: readonly tf.Variable[];
  readonly #average: readonly tf.Variable[];
  /** The trained variables, with the running means of the gradient and of its square. */
  readonly #trained: readonly {
    readonly variable: tf.Variable;
    readonly first: tf.Variable;
    readonly second: tf.Variable;
  }[];
  readonly #recipe: Pick<Recipe, 'weightDecay' | 'emaDecay'>;
  readonly #rateOf: (weight: tf.Variable) => number;
  readonly #betas: Betas;
  /** Each beta to the power of the number of steps. */
  #powers: readonly number[] = [];
  #steps = 0;

  /**
   * @param recipe.weightDecay share of a matrix's or kernel's weights subtracted per step, times the learning rate
   * @param recipe.emaDecay share of the average that is kept per step
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
   * Takes one step towards the targets of a batch.
   *
   * @param targets float32 `[N, classes]`
   * @param weights weight of each photo in the loss, float32 `[N]`. @default equal
   * @param forward returns the logits, float32 `[N, classes]`
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
   * @param gradients by variable name; variables without a gradient are not changed
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
    // A lower decay in the first steps, which would otherwise be remembered too long.
    const kept = Math.min(this.#recipe.emaDecay, (1 + this.#steps) / (10 + this.#steps));
    this.#average.forEach((average, index) => {
      const weight = this.#weights[index] ?? average;
      tf.tidy(() => average.assign(tf.add(tf.mul(average, kept), tf.mul(weight, 1 - kept))));
    });
  }

  #assign(values: readonly tf.Tensor[]): void {
    this.#weights.forEach((weight, index) => weight.assign(values[index] ?? weight));
  }

  /** Runs `work` with the averaged weights in the network, and then restores the trained ones. */
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

  averagedWeights(): Promise<WeightValues> {
    return readValues(this.#average);
  }

  restartAverage(): void {
    this.#average.forEach((average, index) => average.assign(this.#weights[index] ?? average));
  }

  get #moments(): tf.Variable[] {
    return this.#trained.flatMap(({ first, second }) => [first, second]);
  }

  /** Everything that the next step depends on, besides the random numbers and the number of steps. */
  async state(): Promise<OptimizerTensors> {
    return {
      network: await readValues(this.#weights),
      average: await this.averagedWeights(),
      moments: await readValues(this.#moments),
    };
  }

  /**
   * Restores the state of a training after a number of steps.
   *
   * @throws Error if it belongs to another network
   */
  restore({ network = [], average = [], moments = [] }: OptimizerTensors, steps: number): void {
    assignValues(this.#weights, network);
    assignValues(this.#average, average);
    assignValues(this.#moments, moments);
    this.#steps = steps;
    this.#powers = [];
    for (let step = 0; step < steps; step++) this.#powers = nextPowers(this.#powers, this.#betas);
  }

  /** Puts `best` or the averaged weights into the network; later steps start from them. */
  finish(best?: WeightValues): void {
    if (best) assignValues(this.#weights, best);
    else this.#assign(this.#average);
  }

  /** No more steps can be taken. */
  dispose(): void {
    tf.dispose([...this.#average, ...this.#moments]);
  }
}
