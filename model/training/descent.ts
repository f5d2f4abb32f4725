import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { AveragedWeights } from './averaged-weights.ts';
import { AdamW } from './optimizer.ts';
import type { Values } from './tensor-file.ts';
import { assignValues, readValues, setWeightValues } from './weights.ts';

export interface DescentOptions {
  /** Decoupled weight decay. */
  readonly weightDecay: number;
  /** Share of the averaged weights kept at each step. */
  readonly averaging: number;
}

/** Tensors by group, as a checkpoint keeps them. */
export type DescentState = Readonly<Record<string, Values>>;

/** The weights of a network on their way: the optimizer that moves them, and their moving average. */
export class Descent {
  readonly #trained: LayersModel;
  readonly #network: LayersModel;
  readonly #averaging: number;
  readonly #optimizer: AdamW;
  readonly #averaged: AveragedWeights;
  readonly variables: tf.Variable[];

  /**
   * @param network whose weights are averaged, and remain
   * @param trained the same network, or one around it with more outputs to learn from
   */
  constructor(
    network: LayersModel,
    { weightDecay, averaging }: DescentOptions,
    trained: LayersModel = network,
  ) {
    this.#network = network;
    this.#trained = trained;
    this.#averaging = averaging;
    this.#optimizer = new AdamW(weightDecay);
    this.#averaged = new AveragedWeights(network);
    this.variables = trainableVariables(trained);
  }

  /** @param gradients by the names of {@link variables} */
  step(gradients: Record<string, tf.Tensor>, learningRate: number): void {
    this.#optimizer.step(gradients, this.variables, learningRate);
    this.#averaged.update(this.#averaging);
  }

  /** Runs `work` while the network holds its averaged weights. */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return this.#averaged.during(work);
  }

  /** The averaged weights, in the order of the network's. */
  averagedWeights(): Promise<Values> {
    return readValues(this.#averaged.average);
  }

  /** What the next step depends on, besides the random numbers and how many steps there were before it. */
  async state(): Promise<DescentState> {
    return {
      network: await readValues(this.#trained.getWeights()),
      average: await this.averagedWeights(),
      moments: await readValues(this.#optimizer.moments(this.variables)),
    };
  }

  /**
   * Goes on as the descent did that had this state after so many steps.
   *
   * @throws Error when it is another network's
   */
  restore({ network = [], average = [], moments = [] }: DescentState, steps: number): void {
    setWeightValues(this.#trained, network);
    assignValues(this.#averaged.average, average);
    assignValues(this.#optimizer.moments(this.variables), moments);
    this.#averaged.resume(steps);
    this.#optimizer.resume(steps);
  }

  /** Leaves `best` in the network, or else the averaged weights; steps taken after that start from them. */
  finish(best?: Values): void {
    if (best) setWeightValues(this.#network, best);
    else this.#averaged.apply();
  }

  /** No more steps can be taken. */
  dispose(): void {
    this.#averaged.dispose();
    this.#optimizer.dispose();
  }
}

/** The layers' own variables, which `read` hands out as tensors. */
const trainableVariables = (network: LayersModel): tf.Variable[] =>
  network.trainableWeights.map((weight) => weight.read()).filter((value) => value instanceof tf.Variable);
