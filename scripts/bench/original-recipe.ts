import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Backbone } from '../../model/backbone/backbone.ts';
import { photoTensor } from '../../model/data/augment.ts';
import type { Example } from '../../model/data/dataset.ts';
import type { Split } from '../../model/data/split.ts';
import { buildHead } from '../../model/network/head.ts';
import { seededRandom, shuffled } from '../../model/shared/random.ts';
import { AdamW } from '../../model/training/optimizer.ts';

/** What the pipelines' parameters are by default, as the original prescribes them. */
export const ORIGINAL = { epochs: 10, batchSize: 16, learningRate: 0.0001 } as const;

const batchesOf = (examples: readonly Example[], size: number): Example[][] =>
  Array.from({ length: Math.ceil(examples.length / size) }, (_, index) =>
    examples.slice(index * size, (index + 1) * size),
  );

const logitsOf = (head: LayersModel, features: tf.Tensor, training: boolean): tf.Tensor => {
  const logits = head.apply(features, { training });
  if (!(logits instanceof tf.Tensor)) throw new Error('The head must have one output.');
  return logits;
};

/** The probabilities of photos, each of which goes through the backbone. */
export const classify = async (
  backbone: Backbone,
  head: LayersModel,
  examples: readonly Example[],
): Promise<number[][]> => {
  const rows: number[][] = [];
  for (const batch of batchesOf(examples, 32)) {
    const probabilities = tf.tidy(() =>
      tf.softmax<tf.Tensor2D>(
        tf.reshape(logitsOf(head, backbone.extract(photoTensor(batch)), false), [batch.length, -1]),
      ),
    );
    rows.push(...(await probabilities.array()));
    probabilities.dispose();
  }
  return rows;
};

/**
 * The original's way to train, as a network of one piece is trained: its frozen backbone computes the features of every
 * photo again in every epoch, for the training and for the validation. One layer on the features learns, by Adam.
 *
 * @param backbone seen through at the side that it was made for
 */
export const trainAsOriginal = async (
  backbone: Backbone,
  classes: number,
  { train, validation }: Split,
): Promise<LayersModel> => {
  const head = buildHead(backbone.features, classes, { hidden: 0, featureDropout: 0 });
  const variables = head.trainableWeights
    .map((weight) => weight.read())
    .filter((value) => value instanceof tf.Variable);
  const optimizer = new AdamW(0);
  const random = seededRandom(1);
  for (let epoch = 0; epoch < ORIGINAL.epochs; epoch++) {
    for (const batch of batchesOf(shuffled(train, random), ORIGINAL.batchSize)) {
      const loss = tf.tidy(() => {
        const features = backbone.extract(photoTensor(batch));
        const labels = batch.map(({ label }) => label);
        const targets = tf.oneHot(tf.tensor1d(labels, 'int32'), classes);
        const { value, grads } = tf.variableGrads(
          () =>
            tf.reshape<tf.Rank.R0>(
              tf.losses.softmaxCrossEntropy(targets, logitsOf(head, features, true)),
              [],
            ),
          variables,
        );
        optimizer.step(grads, variables, ORIGINAL.learningRate);
        return value;
      });
      await loss.data();
      loss.dispose();
    }
    await classify(backbone, head, validation);
  }
  optimizer.dispose();
  return head;
};
