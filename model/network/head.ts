import * as tf from '@tensorflow/tfjs-core';
import { initializers, input, type LayersModel, layers, model } from '@tensorflow/tfjs-layers';
import { applied, SeededDropout } from './layers.ts';

export interface HeadOptions {
  /** Neurons between features and classes; 0 for a linear classifier. @default 512 */
  readonly hidden?: number | undefined;
  /** Fraction of the features dropped during training. @default 0.3 */
  readonly featureDropout?: number | undefined;
  /** Fraction of the hidden neurons dropped during training. @default 0.5 */
  readonly dropout?: number | undefined;
  /** Seed of the initial weights. @default 1 */
  readonly seed?: number | undefined;
}

/** The small network that is trained on a backbone's features: float32 `[N, features]` to logits `[N, classes]`. */
export const buildHead = (
  features: number,
  classes: number,
  { hidden = 512, featureDropout = 0.3, dropout = 0.5, seed = 1 }: HeadOptions = {},
): LayersModel => {
  const described = input({ shape: [features] });
  let x = applied(new SeededDropout(featureDropout), described);
  if (hidden > 0) {
    const neurons = layers.dense({
      units: hidden,
      activation: 'relu',
      name: 'hidden',
      kernelInitializer: initializers.heNormal({ seed: seed * 1000 }),
    });
    x = applied(new SeededDropout(dropout), applied(neurons, x));
  }
  const classifier = layers.dense({
    units: classes,
    name: 'logits',
    // Starts undecided: a small learning rate would take long to unlearn confident wrong answers.
    kernelInitializer: initializers.zeros(),
  });
  return model({ inputs: described, outputs: applied(classifier, x), name: 'head' });
};

/** Added to the deviation, so that a nearly constant feature and its rounding errors are not amplified. */
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
