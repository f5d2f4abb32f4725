import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { AdamW, learningRateAt } from './optimizer.ts';

// Registers the gradients of the operations.

before(() => loadBackend({ native: false }));

const variable = (values: number[][] | number[]) => tf.variable(tf.tensor(values));

describe('the learning rate', () => {
  const steps = Array.from({ length: 2000 }, (_, index) => index / 2000);
  const rates = steps.map((progress) => learningRateAt(progress, 0.01, 0.1));

  test('starts low but not at zero, where nothing would be learned', () => {
    const [first = 0] = rates;
    assert.ok(first > 0 && first < 0.001);
  });

  test('rises to its peak over the warm-up', () => {
    const warmup = rates.slice(0, 199);
    assert.deepEqual(
      warmup,
      warmup.toSorted((a, b) => a - b),
    );
    assertClose([learningRateAt(0.1, 0.01, 0.1)], [0.01], 1e-12);
  });

  test('never exceeds its peak', () => {
    assert.ok(Math.max(...rates) <= 0.01, `${Math.max(...rates)} > 0.01`);
  });

  test('falls along half a cosine to zero', () => {
    const falling = rates.slice(200);
    assert.deepEqual(
      falling,
      falling.toSorted((a, b) => b - a),
    );
    assertClose([learningRateAt(0.55, 0.01, 0.1)], [0.005], 1e-12);
    assertClose([learningRateAt(0.325, 0.01, 0.1)], [0.005 * (1 + Math.SQRT1_2)], 1e-12);
    assertClose([learningRateAt(1, 0.01, 0.1)], [0], 1e-12);
  });

  test('can do without a warm-up', () => assertClose([learningRateAt(0, 0.01, 0)], [0.01], 1e-12));
});

test('steps lead to the minimum of a quadratic', () => {
  const target = tf.tensor2d([[3, -2]]);
  const x = variable([[0, 0]]);
  const optimizer = new AdamW(0);
  for (let index = 0; index < 150; index++) {
    const { value, grads } = tf.variableGrads(() => tf.sum<tf.Scalar>(tf.squaredDifference(x, target)), [x]);
    optimizer.step(grads, [x], learningRateAt(index / 150, 0.2));
    tf.dispose([value, grads]);
  }
  assertClose(x.dataSync(), [3, -2], 0.05);
});

test('the first step is as long as the learning rate, whatever the size of the gradient', () => {
  const x = variable([[1, 1]]);
  new AdamW(0).step({ [x.name]: tf.tensor2d([[1000, -0.01]]) }, [x], 0.1);
  assertClose(x.dataSync(), [0.9, 1.1], 1e-4);
});

test('matrices and kernels decay by the learning rate times the decay, biases do not', () => {
  const kernel = variable([[2, -4]]);
  const bias = variable([2, -4]);
  const gradients = { [kernel.name]: tf.zeros([1, 2]), [bias.name]: tf.zeros([2]) };
  new AdamW(0.5).step(gradients, [kernel, bias], 0.1);
  assertClose(kernel.dataSync(), [1.9, -3.8], 1e-6);
  assertClose(bias.dataSync(), [2, -4], 0);
});

/** Gradients that look like a training's. */
const noisy = (seed: number, steps: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: steps }, () =>
    tf.tensor2d(
      Float32Array.from({ length: 12 }, () => random() - 0.4),
      [3, 4],
    ),
  );
};

test("without decay the steps are those of TensorFlow.js's Adam, to the bit", () => {
  const [ours, theirs] = [
    variable([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ]),
    variable([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ]),
  ];
  const [adamW, adam] = [new AdamW(0), new tf.AdamOptimizer(0.01, 0.9, 0.999, 1e-7)];
  for (const gradient of noisy(2, 200)) {
    adamW.step({ [ours.name]: gradient }, [ours], 0.01);
    adam.applyGradients({ [theirs.name]: tf.variable(gradient) });
  }
  assert.deepEqual(ours.dataSync(), theirs.dataSync());
});

test('with its moments restored, another optimizer goes on to the bit', async () => {
  const [x, y] = [
    variable([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ]),
    variable([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]),
  ];
  const [first, second] = [new AdamW(0.1), new AdamW(0.1)];
  const gradients = noisy(3, 30);
  gradients.forEach((gradient, step) => {
    if (step === 20) {
      y.assign(x);
      const [from, to] = [first.moments([x]), second.moments([y])];
      to.forEach((moment, index) => moment.assign(from[index] ?? moment));
      second.resume(20);
    }
    first.step({ [x.name]: gradient }, [x], 0.01);
    if (step >= 20) second.step({ [y.name]: gradient }, [y], 0.01);
  });
  assert.deepEqual(y.dataSync(), x.dataSync());
});

test('a variable without a gradient is left alone', () => {
  const [used, unused] = [variable([[1]]), variable([[1]])];
  new AdamW(0.5).step({ [used.name]: tf.ones([1, 1]) }, [used, unused], 0.1);
  assertClose(unused.dataSync(), [1], 0);
});

test('a learning rate of zero changes nothing', () => {
  const x = variable([[1, 2]]);
  new AdamW(0.5).step({ [x.name]: tf.ones([1, 2]) }, [x], 0);
  assertClose(x.dataSync(), [1, 2], 0);
});
