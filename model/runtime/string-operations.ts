import * as tf from '@tensorflow/tfjs-core';
import { InvalidArgumentError, type Strings } from './values.ts';

/** `DecodeRaw` to uint8: each string becomes a row of numbers 0 to 255. All strings must have one length. */
export const decodeRaw = ({ shape, values }: Strings): tf.Tensor => {
  const length = values[0]?.byteLength;
  // The kernels of WebAssembly would divide by zero.
  if (!length) throw new InvalidArgumentError('The batch is empty: there is nothing to decode');
  values.forEach((value, index) => {
    if (value.byteLength !== length) {
      throw new InvalidArgumentError(
        `DecodeRaw requires input strings to all be the same size, but element ${index} has size ${value.byteLength} != ${length}`,
      );
    }
  });
  const numbers = new Int32Array(values.length * length);
  values.forEach((value, index) => numbers.set(value, index * length));
  return tf.tensor(numbers, [...shape, length], 'int32');
};

/** `BroadcastTo`: repeats `[C]` along a new first dimension, or `[1]` along its only one. */
export const broadcastStrings = ({ values }: Strings, shape: readonly number[]): Strings => {
  const count = shape.reduce((product, size) => product * size, 1);
  const repeated = Array.from(
    { length: count },
    (_, index) => values[index % values.length] ?? new Uint8Array(),
  );
  return { shape, values: repeated };
};

/** `GatherV2` along the first dimension of a list. */
export const gatherStrings = ({ values }: Strings, indices: tf.Tensor): Strings => ({
  shape: indices.shape,
  values: [...indices.dataSync()].map((index) => values[index] ?? new Uint8Array()),
});
