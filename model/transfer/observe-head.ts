import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { FeaturesAndLogits } from '../calibration/observe.ts';
import type { LabelledFeatures } from './evaluate-head.ts';

/** What a head makes of photos whose features are known: as `observe`, without the backbone's work and the mirror image. */
export const observeHead = async (
  head: LayersModel,
  { features, labels }: LabelledFeatures,
): Promise<FeaturesAndLogits[]> => {
  const logits = tf.tidy(() => {
    const answered = head.apply(features, { training: false });
    if (!(answered instanceof tf.Tensor)) throw new Error('The head must have one output.');
    return tf.reshape<tf.Rank.R2>(answered, [labels.length, -1]);
  });
  const [logitRows, featureRows] = [await logits.array(), await features.array()];
  logits.dispose();
  return labels.map((label, index) => ({
    label,
    features: featureRows[index] ?? [],
    logits: [logitRows[index] ?? []],
  }));
};
