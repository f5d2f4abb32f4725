import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { reseedDropout } from '../network/layers.ts';
import { stopIfAborted } from '../shared/abort.ts';
import type { Learner, LearnerOptions, Scores, StepOptions, StepResult } from '../training/learner.ts';
import { OptimizerState } from '../training/optimizer.ts';
import { evaluateHead, type LabelledFeatures } from './evaluate-head.ts';

export interface HeadTrainerOptions extends LearnerOptions {
  readonly train: LabelledFeatures;
  /** Absent: there is nothing to watch. */
  readonly validation: LabelledFeatures | undefined;
}

/** Teaches a head, from features that stay as they are. It learns from photos by their places among the features. */
export class HeadTrainer implements Learner<number> {
  readonly #head: LayersModel;
  readonly #options: HeadTrainerOptions;
  readonly descent: OptimizerState;

  constructor(head: LayersModel, options: HeadTrainerOptions) {
    this.#head = head;
    this.#options = options;
    this.descent = new OptimizerState(head, options);
  }

  async step(photos: readonly number[], { learningRate, random }: StepOptions): Promise<StepResult> {
    const { features, labels } = this.#options.train;
    reseedDropout(this.#head, random);
    const correct = tf.tidy(() => tf.variable(tf.scalar(0), false));
    const results = tf.tidy(() => {
      const x = tf.gather(features, tf.tensor1d([...photos], 'int32'));
      const truth = tf.tensor1d(
        photos.map((photo) => labels[photo] ?? 0),
        'int32',
      );
      const { value, grads } = tf.variableGrads(() => {
        const logits = this.#head.apply(x, { training: true });
        if (!(logits instanceof tf.Tensor)) throw new Error('The head must have one output.');
        correct.assign(tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), truth), 'float32')));
        return this.#loss(truth, logits);
      }, this.descent.variables);
      this.descent.step(grads, learningRate);
      return tf.stack([value, correct]);
    });
    const [loss = Number.NaN, hits = 0] = await results.data();
    tf.dispose([results, correct]);
    return { loss, correct: hits };
  }

  #loss(truth: tf.Tensor1D, logits: tf.Tensor): tf.Scalar {
    const { classes, labelSmoothing, classWeights } = this.#options;
    const oneHot = tf.reshape(tf.oneHot(truth, classes), logits.shape);
    const targets = tf.add(tf.mul(oneHot, 1 - labelSmoothing), labelSmoothing / classes);
    const weights = classWeights && tf.gather(tf.tensor1d([...classWeights]), truth);
    return tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits, weights), []);
  }

  async watch(signal: AbortSignal | undefined, when: string): Promise<Scores | undefined> {
    const { validation } = this.#options;
    await stopIfAborted(signal, when);
    return validation && this.descent.withAveragedWeights(() => evaluateHead(this.#head, validation));
  }
}
