import * as tf from '@tensorflow/tfjs-core';
import type { Graph, Node } from '../savedmodel/graph.ts';

/** Added to the deviation, so that a feature that hardly varies is not blown up, nor what rounding the weights does to it. */
const SMALLEST_DEVIATION = 1e-2;

/** Brings each feature to about mean 0 and deviation 1. */
export interface Standardization {
  readonly mean: Float32Array;
  /** One over the deviation. */
  readonly scale: Float32Array;
}

/** @param features float32 `[..., F]`, of the photos that are trained on */
export const fitStandardization = (features: tf.Tensor): Standardization => {
  const [mean, scale] = tf.tidy(() => {
    const { mean, variance } = tf.moments(features, [...features.shape.keys()].slice(0, -1));
    return [mean, tf.reciprocal(tf.add(tf.sqrt(variance), SMALLEST_DEVIATION))] as const;
  });
  const result = { mean: Float32Array.from(mean.dataSync()), scale: Float32Array.from(scale.dataSync()) };
  tf.dispose([mean, scale]);
  return result;
};

/** @param features float32 `[..., F]` */
export const standardize = <T extends tf.Tensor>(features: T, { mean, scale }: Standardization): T =>
  tf.tidy(() => tf.mul<T>(tf.sub(features, tf.tensor1d(mean)), tf.tensor1d(scale)));

/** Writes the same as {@link standardize}. */
export const writeStandardization = (
  graph: Graph,
  features: Node,
  { mean, scale }: Standardization,
): Node => {
  const centred = graph.float('Sub', 'features/centred', [
    features,
    graph.weights('features/mean', mean, [mean.length]),
  ]);
  return graph.float('Mul', 'features', [centred, graph.weights('features/scale', scale, [scale.length])]);
};
