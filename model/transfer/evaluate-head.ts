import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Features of photos, and what the photos show. */
export interface LabelledFeatures {
  /** float32 `[N, F]` */
  readonly features: tf.Tensor2D;
  readonly labels: readonly number[];
}

/** float32 `[N, classes]` */
const probabilitiesOf = (head: LayersModel, features: tf.Tensor2D): tf.Tensor2D =>
  tf.tidy(() => {
    const logits = head.apply(features, { training: false });
    if (!(logits instanceof tf.Tensor)) throw new Error('The head must have one output.');
    return tf.softmax<tf.Tensor2D>(tf.reshape(logits, [features.shape[0], -1]));
  });

/** Mean cross-entropy in nats, and the share of photos named rightly. */
export const evaluateHead = async (head: LayersModel, { features, labels }: LabelledFeatures) => {
  const probabilities = probabilitiesOf(head, features);
  const values = await probabilities.data();
  probabilities.dispose();
  const classes = values.length / labels.length;
  const rows = labels.map((label, index) => ({
    label,
    row: values.subarray(index * classes, (index + 1) * classes),
  }));
  const loss = rows.reduce((sum, { label, row }) => sum - Math.log(Math.max(row[label] ?? 0, 1e-7)), 0);
  const correct = rows.filter(({ label, row }) => row.indexOf(Math.max(...row)) === label).length;
  return { loss: loss / labels.length, accuracy: correct / labels.length };
};
