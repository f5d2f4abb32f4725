import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type SeededRandom, seededRandom, shuffled } from '../random.ts';
import { AveragedWeights } from '../training/averaged-weights.ts';
import { AdamW } from '../training/optimizer.ts';
import type { Values } from '../training/tensor-file.ts';
import { readValues } from '../training/weights.ts';
import type { LabelledFeatures } from './evaluate-head.ts';

export interface HeadTrainingOptions {
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  readonly averaging: number;
  /** How much a photo of each class counts in the loss. */
  readonly classWeights: readonly number[] | undefined;
  readonly seed: number;
}

export interface EpochOptions {
  readonly batchSize: number;
  /** @param index of the step within the epoch */
  readonly learningRate: (index: number) => number;
}

/** A head under training: its optimizer and its averaged weights. */
export class HeadTraining {
  readonly #head: LayersModel;
  readonly #classes: number;
  readonly #photos: LabelledFeatures;
  readonly #options: HeadTrainingOptions;
  readonly #variables: tf.Variable[];
  readonly #optimizer: AdamW;
  readonly #averaged: AveragedWeights;
  readonly #random: SeededRandom;

  constructor(head: LayersModel, classes: number, photos: LabelledFeatures, options: HeadTrainingOptions) {
    this.#head = head;
    this.#classes = classes;
    this.#photos = photos;
    this.#options = options;
    this.#variables = head.trainableWeights
      .map((weight) => weight.read())
      .filter((value) => value instanceof tf.Variable);
    this.#optimizer = new AdamW(options.weightDecay);
    this.#averaged = new AveragedWeights(head);
    this.#random = seededRandom(options.seed);
  }

  /**
   * Sees every photo once, in a random order, each looked at in one of its ways.
   *
   * @returns mean loss before each step, and the share of photos named rightly
   */
  async epoch({ batchSize, learningRate }: EpochOptions): Promise<{ loss: number; accuracy: number }> {
    const order = shuffled([...this.#photos.labels.keys()], this.#random);
    const sums: tf.Tensor1D[] = [];
    for (let start = 0; start < order.length; start += batchSize) {
      const rate = learningRate(start / batchSize);
      sums.push(this.#step(order.slice(start, start + batchSize), rate));
      this.#averaged.update(this.#options.averaging);
    }
    const total = tf.tidy(() => tf.sum(tf.stack(sums), 0));
    const [loss = Number.NaN, correct = 0] = await total.data();
    tf.dispose([total, ...sums]);
    return { loss: loss / order.length, accuracy: correct / order.length };
  }

  /** @returns sum of the losses, and how many photos were named rightly */
  #step(photos: readonly number[], learningRate: number): tf.Tensor1D {
    const { features, labels } = this.#photos;
    const [, views, length] = features.shape;
    const rows = photos.map((photo) => photo * views + Math.floor(this.#random() * views));
    const correct = tf.tidy(() => tf.variable(tf.scalar(0), false));
    const sums = tf.tidy(() => {
      const x = tf.gather(tf.reshape(features, [-1, length]), tf.tensor1d(rows, 'int32'));
      const truth = tf.tensor1d(
        photos.map((photo) => labels[photo] ?? 0),
        'int32',
      );
      const { value, grads } = tf.variableGrads(() => {
        const logits = this.#head.apply(x, { training: true });
        if (!(logits instanceof tf.Tensor)) throw new Error('The head must have one output.');
        correct.assign(tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), truth), 'float32')));
        return this.#loss(truth, logits);
      }, this.#variables);
      this.#optimizer.step(grads, this.#variables, learningRate);
      return tf.reshape<tf.Rank.R1>(tf.stack([tf.mul(value, photos.length), correct]), [2]);
    });
    correct.dispose();
    return sums;
  }

  #loss(truth: tf.Tensor1D, logits: tf.Tensor): tf.Scalar {
    const { labelSmoothing, classWeights } = this.#options;
    const oneHot = tf.reshape(tf.oneHot(truth, this.#classes), logits.shape);
    const targets = tf.add(tf.mul(oneHot, 1 - labelSmoothing), labelSmoothing / this.#classes);
    const weights = classWeights && tf.gather(tf.tensor1d([...classWeights]), truth);
    return tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits, weights), []);
  }

  /** Runs `work` while the head holds its averaged weights. */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return this.#averaged.during(work);
  }

  /** In the order of the head's weights. */
  averagedWeights(): Promise<Values> {
    return readValues(this.#averaged.average);
  }

  /** Leaves the averaged weights in the head. */
  finish(): void {
    this.#averaged.apply();
  }

  dispose(): void {
    this.#averaged.dispose();
    this.#optimizer.dispose();
  }
}
