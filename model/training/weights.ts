import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import type { Values } from './tensor-file.ts';

/** The numbers of tensors, copied out of TensorFlow.js. */
export const readValues = (tensors: readonly tf.Tensor[]): Promise<Values> =>
  Promise.all(tensors.map(async (tensor) => Float32Array.from(await tensor.data())));

/** Calls `write` with each given tensor's place and the new tensor for it, of the same shape. */
const forEach = (
  tensors: readonly tf.Tensor[],
  values: Values,
  write: (index: number, tensor: tf.Tensor) => void,
): void => {
  if (values.length !== tensors.length)
    throw new Error(`The network has ${tensors.length} weights, not ${values.length}.`);
  tf.tidy(() =>
    tensors.forEach(({ shape, size }, index) => {
      const numbers = values[index];
      if (numbers?.length !== size)
        throw new Error(`Weight ${index} of the network has ${size} numbers, not ${numbers?.length}.`);
      write(index, tf.tensor(numbers, shape, 'float32'));
    }),
  );
};

/** @throws Error when the numbers are not of that many tensors of these sizes */
export const assignValues = (variables: readonly tf.Variable[], values: Values): void =>
  forEach(variables, values, (index, tensor) => variables[index]?.assign(tensor));

/** @throws Error when the numbers are not of that many weights of these sizes */
export const writeValues = (weights: readonly LayerVariable[], values: Values): void =>
  forEach(
    weights.map((weight) => weight.read()),
    values,
    (index, tensor) => weights[index]?.write(tensor),
  );

/**
 * Gives a network its weights, in the order of its `getWeights()`.
 *
 * @throws Error when they are another network's
 */
export const setWeightValues = (network: LayersModel, values: Values): void =>
  writeValues(network.weights, values);
