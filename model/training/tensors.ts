import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_BYTES, PHOTO_CHANNELS, PHOTO_SIDE, PIXEL_OFFSET, PIXEL_SCALE } from '../contract/tensors.ts';
import type { Example } from './dataset.ts';

/** Photos as float32 `[N, 224, 224, 3]` in [-1, 1]. */
export const photoTensor = (examples: readonly Example[]): tf.Tensor4D => {
  const values = new Float32Array(examples.length * PHOTO_BYTES);
  examples.forEach(({ pixels }, index) => {
    const start = index * PHOTO_BYTES;
    for (let i = 0; i < PHOTO_BYTES; i++) values[start + i] = (pixels[i] ?? 0) * PIXEL_SCALE + PIXEL_OFFSET;
  });
  return tf.tensor4d(values, [examples.length, PHOTO_SIDE, PHOTO_SIDE, PHOTO_CHANNELS]);
};

/** Targets as float32 `[N, classes]`: 1 for the right class, less the smoothing that is spread over all. */
export const targetTensor = (examples: readonly Example[], classes: number, smoothing: number): tf.Tensor2D =>
  tf.tidy(() => {
    const labels = tf.tensor1d(
      examples.map(({ label }) => label),
      'int32',
    );
    const oneHot = tf.reshape<tf.Rank.R2>(tf.oneHot(labels, classes), [examples.length, classes]);
    return tf.add(tf.mul(oneHot, 1 - smoothing), smoothing / classes);
  });
