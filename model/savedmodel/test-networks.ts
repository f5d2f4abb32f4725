import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, type layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { applied } from '../network/layers.ts';
import { seededRandom, uniform } from '../shared/random.ts';
import type { Output } from './run.ts';

/** Models for tests of the export. */

/** Height, width and channels of the input of {@link chain}. */
export const SMALL_PICTURE = [7, 8, 3] as const;

export const chain = (...row: layers.Layer[]): LayersModel => {
  const photo = input({ shape: [...SMALL_PICTURE] });
  const output = row.reduce<SymbolicTensor>((x, layer) => applied(layer, x), photo);
  return model({ inputs: photo, outputs: output, name: 'chain' });
};

/** Changes all weights as if trained: kernels preserve the scale (He et al. 2015), and variances are positive. */
export const scramble = (network: LayersModel, seed: number): void => {
  const random = seededRandom(seed);
  for (const weight of network.weights) {
    const { shape } = weight.read();
    const size = tf.util.sizeFromShape(shape);
    const limit = Math.sqrt((6 * (shape.at(-1) ?? 1)) / size);
    const low = weight.name.includes('variance') ? 0.5 : -0.5;
    const [from, to] = shape.length > 1 ? [-limit, limit] : [low, 1];
    const values = Float32Array.from({ length: size }, () => uniform(random, from, to));
    tf.tidy(() => {
      weight.write(tf.tensor(values, shape));
    });
  }
};

/** The numbers of an output, which must be numeric. */
export const numbersIn = (output: Output | undefined): readonly number[] => {
  assert.ok(output && 'numbers' in output);
  return output.numbers;
};

export const textsIn = (output: Output | undefined): string[] => {
  assert.ok(output && 'strings' in output);
  return output.strings.map((bytes) => new TextDecoder().decode(bytes));
};
