import * as tf from '@tensorflow/tfjs-core';

/** A tensor of byte strings, which TensorFlow.js computes nothing with. */
export interface Strings {
  readonly shape: readonly number[];
  readonly values: readonly Uint8Array[];
}

/** What flows along the edges of a graph. */
export type Value = tf.Tensor | Strings;

/** The caller's fault: what TensorFlow reports as INVALID_ARGUMENT and TensorFlow Serving answers with 400. */
export class InvalidArgumentError extends Error {
  override readonly name = 'InvalidArgumentError';
}

export const isTensor = (value: Value): value is tf.Tensor => value instanceof tf.Tensor;
