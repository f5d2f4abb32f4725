import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { BatchNorm } from '../network/layers.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { AdamW, learningRateAt, networkVariables, WeightsEma } from './optimizer.ts';

before(() => loadBackend({ native: false }));

const variable = (values: number[][] | number[]) => tf.variable(tf.tensor(values));
/** The numbers 1 to 12. */
const matrix = () => tf.variable(tf.reshape(tf.range(1, 13), [3, 4]));

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
  const [ours, theirs] = [matrix(), matrix()];
  const [adamW, adam] = [new AdamW(0), new tf.AdamOptimizer(0.01, 0.9, 0.999, 1e-7)];
  for (const gradient of noisy(2, 200)) {
    adamW.step({ [ours.name]: gradient }, [ours], 0.01);
    adam.applyGradients({ [theirs.name]: tf.variable(gradient) });
  }
  assert.deepEqual(ours.dataSync(), theirs.dataSync());
});

test('with its moments restored, another optimizer continues to the bit', async () => {
  const [x, y] = [matrix(), tf.variable(tf.zeros([3, 4]))];
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

/** Seven weights: two kernels, a bias, and what a normalization learns and observes. */
const network = (value: number): LayersModel => {
  const model = sequential({
    layers: [
      layers.dense({ units: 2, useBias: false, inputShape: [2] }),
      new BatchNorm({}),
      layers.dense({ units: 1 }),
    ],
  });
  fill(model, value);
  return model;
};

const fill = (model: LayersModel, value: number) =>
  tf.tidy(() => {
    model.setWeights(model.getWeights().map(({ shape }) => tf.fill(shape, value)));
  });

const assertHolds = (model: LayersModel, value: number) => {
  const weights = model.getWeights();
  assert.equal(weights.length, 7);
  for (const weight of weights) {
    const values = weight.dataSync();
    assertClose(values, new Float32Array(values.length).fill(value), 1e-5);
  }
};

test('at first the average follows quickly, later it keeps the given share', async () => {
  const model = network(0);
  const averaged = new WeightsEma(networkVariables(model.weights));
  fill(model, 11);
  averaged.update(0.9);
  await averaged.during(async () => assertHolds(model, 9));
  fill(model, 109);
  averaged.update(0.01);
  await averaged.during(async () => assertHolds(model, 108));
});

test('while work is done the model holds the average, and afterwards the trained weights', async () => {
  const model = network(1);
  const averaged = new WeightsEma(networkVariables(model.weights));
  fill(model, 5);
  const result = await averaged.during(async () => {
    assertHolds(model, 1);
    return 'done';
  });
  assert.equal(result, 'done');
  assertHolds(model, 5);
});

test('the trained weights come back when the work fails', async () => {
  const model = network(1);
  const averaged = new WeightsEma(networkVariables(model.weights));
  fill(model, 5);
  await assert.rejects(
    averaged.during(() => Promise.reject(new Error('no photos'))),
    { message: 'no photos' },
  );
  assertHolds(model, 5);
});

test('changing the model later does not change the average', async () => {
  const model = network(1);
  const averaged = new WeightsEma(networkVariables(model.weights));
  await averaged.during(async () => fill(model, 8));
  await averaged.during(async () => assertHolds(model, 1));
});

test('applied, the average stays, even when it is disposed of', () => {
  const model = network(2);
  const averaged = new WeightsEma(networkVariables(model.weights));
  fill(model, 5);
  averaged.apply();
  averaged.dispose();
  assertHolds(model, 2);
});

test('nothing is left in memory', async () => {
  const model = network(1);
  const { numTensors } = tf.memory();
  const averaged = new WeightsEma(networkVariables(model.weights));
  averaged.update(0.5);
  await averaged.during(async () => undefined);
  averaged.apply();
  averaged.dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});
