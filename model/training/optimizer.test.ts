import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
// Registers the gradients.
import '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { learningRateAt, OptimizerState } from './optimizer.ts';

before(() => loadBackend({ native: false }));

const variable = (values: number[][] | number[]) => tf.variable(tf.tensor(values));
/** The numbers 1 to 12. */
const matrix = () => tf.variable(tf.reshape(tf.range(1, 13), [3, 4]));

/** Trains these. */
const optimizerOf = (weights: readonly tf.Variable[], { weightDecay = 0, emaDecay = 0.9 } = {}) =>
  new OptimizerState({ weights }, { weightDecay, emaDecay });

test('the learning rate rises to its peak over the warm-up, then falls along half a cosine to zero', () => {
  const rates = Array.from({ length: 2000 }, (_, index) => learningRateAt(index / 2000, 0.01, 0.1));
  const [first = 0] = rates;
  assert.ok(first > 0 && first < 0.001, 'at zero nothing would be learned');
  assert.ok(Math.max(...rates) <= 0.01);
  const [rising, falling] = [rates.slice(0, 199), rates.slice(200)];
  assert.ok(rising.every((rate, index) => rate > (rising[index - 1] ?? 0)));
  assert.ok(falling.every((rate, index) => rate < (falling[index - 1] ?? 1)));
  const places = [0.1, 0.55, 0.325, 1].map((progress) => learningRateAt(progress, 0.01, 0.1));
  assertClose(places, [0.01, 0.005, 0.005 * (1 + Math.SQRT1_2), 0], 1e-12);
  assertClose([learningRateAt(0, 0.01, 0)], [0.01], 1e-12);
});

test('the first step is as long as the learning rate, whatever the size of the gradient', () => {
  const [x, fast] = [variable([[1, 1]]), variable([[1]])];
  const weights = [x, fast];
  const rateOf = (weight: tf.Variable) => (weight === fast ? 2 : 1);
  const optimizer = new OptimizerState({ weights, rateOf }, { weightDecay: 0, emaDecay: 0 });
  optimizer.step({ [x.name]: tf.tensor2d([[1000, -0.01]]), [fast.name]: tf.tensor2d([[3]]) }, 0.1);
  assertClose(x.dataSync(), [0.9, 1.1], 1e-4);
  assertClose(fast.dataSync(), [0.8], 1e-4);
});

test('matrices and kernels decay by the learning rate times the decay; biases and variables without gradient do not', () => {
  const [kernel, bias, unused] = [variable([[2, -4]]), variable([2, -4]), variable([[1]])];
  const gradients = { [kernel.name]: tf.zeros([1, 2]), [bias.name]: tf.zeros([2]) };
  const optimizer = optimizerOf([kernel, bias, unused], { weightDecay: 0.5 });
  optimizer.step(gradients, 0);
  assertClose(kernel.dataSync(), [2, -4], 0);
  optimizer.step(gradients, 0.1);
  assertClose(kernel.dataSync(), [1.9, -3.8], 1e-6);
  assertClose(bias.dataSync(), [2, -4], 0);
  assertClose(unused.dataSync(), [1], 0);
});

/** Gradients that look like a training's. */
const noisy = (seed: number, steps: number) => {
  const random = seededRandom(seed);
  const values = () => Float32Array.from({ length: 12 }, () => random() - 0.4);
  return Array.from({ length: steps }, () => tf.tensor2d(values(), [3, 4]));
};

test("without decay the steps are those of TensorFlow.js's Adam, to the bit", () => {
  const [ours, theirs] = [matrix(), matrix()];
  const [optimizer, adam] = [optimizerOf([ours]), new tf.AdamOptimizer(0.01, 0.9, 0.999, 1e-7)];
  for (const gradient of noisy(2, 200)) {
    optimizer.step({ [ours.name]: gradient }, 0.01);
    adam.applyGradients({ [theirs.name]: tf.variable(gradient) });
  }
  assert.deepEqual(ours.dataSync(), theirs.dataSync());
});

describe('the average', () => {
  const NO_STEP = {};
  const holds = async (optimizer: OptimizerState, x: tf.Variable, value: number) => {
    const seen = await optimizer.withAveragedWeights(async () => x.dataSync());
    assertClose(seen, [value], 1e-4);
  };

  test('follows quickly at first, and later keeps the given share', async () => {
    const x = variable([0]);
    const optimizer = optimizerOf([x], { emaDecay: 0.5 });
    x.assign(tf.tensor1d([11]));
    optimizer.step(NO_STEP, 0.1);
    await holds(optimizer, x, 9);
    for (let step = 0; step < 40; step++) optimizer.step(NO_STEP, 0.1);
    await holds(optimizer, x, 11);
    x.assign(tf.tensor1d([13]));
    optimizer.step(NO_STEP, 0.1);
    await holds(optimizer, x, 12);
    optimizer.restartAverage();
    await holds(optimizer, x, 13);
  });

  test('is in the network during a callback, even a failing one, and for good in the end', async () => {
    const x = variable([1]);
    const { numTensors } = tf.memory();
    const optimizer = optimizerOf([x]);
    x.assign(tf.tensor1d([5]));
    const failing = optimizer.withAveragedWeights(() => Promise.reject(new Error('no photos')));
    await assert.rejects(failing, { message: 'no photos' });
    assertClose(x.dataSync(), [5], 0);
    await holds(optimizer, x, 1);
    optimizer.finish([Float32Array.of(7)]);
    assertClose(x.dataSync(), [7], 0);
    optimizer.finish();
    optimizer.dispose();
    assertClose(x.dataSync(), [1], 0);
    assert.ok(tf.memory().numTensors - numTensors <= 1, 'only the number that was assigned here is left');
  });
});
