import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Observation } from '../calibration/observe.ts';
import type { LabelledFeatures } from './evaluate-head.ts';

/** `[N, rows, columns]` as lists. */
const listsOf = async (tensor: tf.Tensor3D): Promise<number[][][]> => tensor.array();

/** What a head makes of photos whose features are known: the same as `observe`, without the backbone's work. */
export const observeHead = async (
  head: LayersModel,
  { features, labels }: LabelledFeatures,
): Promise<Observation[]> => {
  const [photos, views, length] = features.shape;
  const [logits, means] = tf.tidy(() => {
    const answered = head.apply(tf.reshape(features, [photos * views, length]), { training: false });
    if (!(answered instanceof tf.Tensor)) throw new Error('The head must have one output.');
    return [
      tf.reshape<tf.Rank.R3>(answered, [photos, views, -1]),
      tf.mean<tf.Tensor3D>(features, 1, true),
    ] as const;
  });
  const [logitRows, featureRows] = [await listsOf(logits), await listsOf(means)];
  tf.dispose([logits, means]);
  return labels.map((label, index) => ({
    label,
    features: featureRows[index]?.[0] ?? [],
    logits: logitRows[index] ?? [],
  }));
};
