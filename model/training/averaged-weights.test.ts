import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { BatchNorm } from '../batch-norm.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { AveragedWeights } from './averaged-weights.ts';

before(() => loadBackend({ native: false }));

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

test('at first the average follows quickly, later it keeps the share it is told', async () => {
  const model = network(0);
  const averaged = new AveragedWeights(model);
  fill(model, 11);
  averaged.update(0.9);
  await averaged.during(async () => assertHolds(model, 9));
  fill(model, 109);
  averaged.update(0.01);
  await averaged.during(async () => assertHolds(model, 108));
});

test('while work is done the model holds the average, and afterwards the trained weights', async () => {
  const model = network(1);
  const averaged = new AveragedWeights(model);
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
  const averaged = new AveragedWeights(model);
  fill(model, 5);
  await assert.rejects(
    averaged.during(() => Promise.reject(new Error('no photos'))),
    { message: 'no photos' },
  );
  assertHolds(model, 5);
});

test('changing the model later does not change the average', async () => {
  const model = network(1);
  const averaged = new AveragedWeights(model);
  await averaged.during(async () => fill(model, 8));
  await averaged.during(async () => assertHolds(model, 1));
});

test('applied, the average stays, even when it is disposed of', () => {
  const model = network(2);
  const averaged = new AveragedWeights(model);
  fill(model, 5);
  averaged.apply();
  averaged.dispose();
  assertHolds(model, 2);
});

test('nothing is left in memory', async () => {
  const model = network(1);
  const { numTensors } = tf.memory();
  const averaged = new AveragedWeights(model);
  averaged.update(0.5);
  await averaged.during(async () => undefined);
  averaged.apply();
  averaged.dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});
