import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { buildNetwork, withHint } from './network.ts';

before(() => loadBackend({ native: false }));

const TINY = { classes: 3, stem: 4, blocks: [6, 6, 8] };

const outputs = (model: LayersModel, photos: tf.Tensor, training = false): tf.Tensor[] => {
  const output = model.apply(photos, { training });
  return (Array.isArray(output) ? output : [output]).filter((value) => value instanceof tf.Tensor);
};

const photos = (side: number, count = 2) => tf.randomUniform([count, side, side, 3], -1, 1, 'float32', 1);

for (const side of [224, 128, 100]) {
  test(`photos of ${side} pixels become one row of logits each`, () => {
    const [logits, ...others] = outputs(buildNetwork(TINY), photos(side));
    assert.deepEqual(logits?.shape, [2, 3]);
    assert.equal(others.length, 0);
    assert.ok(logits.dataSync().every(Number.isFinite));
  });
}

test('the network of the default size has weights for its classes and about a million in all', () => {
  const network = buildNetwork({ classes: 5 });
  assert.deepEqual(network.getLayer('logits').getWeights()[0]?.shape, [160, 5]);
  assert.ok(network.countParams() > 300_000 && network.countParams() < 2_000_000, `${network.countParams()}`);
});

test('a seed decides the initial weights', () => {
  const weights = (seed: number) => [
    ...(buildNetwork({ ...TINY, seed })
      .getLayer('logits')
      .getWeights()[0]
      ?.dataSync() ?? []),
  ];
  assert.deepEqual(weights(4), weights(4));
  assert.notDeepEqual(weights(4), weights(5));
});

test('no two convolutions of one shape start with the same weights', () => {
  const kernels = buildNetwork({ classes: 2, stem: 6, blocks: [6, 6, 6] })
    .weights.filter(({ shape }) => shape.join() === '3,3,6,6')
    .map((weight) => [...weight.read().dataSync()].join());
  assert.equal(kernels.length, 6);
  assert.equal(new Set(kernels).size, 6);
});

test('features are dropped while training only', () => {
  const network = buildNetwork({ ...TINY, dropout: 0.9 });
  const x = photos(64);
  const answer = (training: boolean) => [...(outputs(network, x, training)[0]?.dataSync() ?? [])];
  assert.deepEqual(answer(false), answer(false));
  assert.notDeepEqual(answer(true), answer(false));
});

test('a network with a hint predicts features too, by weights that it shares', () => {
  const network = buildNetwork(TINY);
  const taught = withHint(network, 7);
  const x = photos(64);
  const [logits, hint] = outputs(taught, x);
  assert.deepEqual(logits?.shape, [2, 3]);
  assert.deepEqual(hint?.shape, [2, 7]);
  assertClose(logits.dataSync(), outputs(network, x)[0]?.dataSync() ?? [], 0);

  const changed = network.getWeights().map((weight) => tf.add(weight, 0.1));
  network.setWeights(changed);
  const [after] = outputs(taught, x);
  assert.notDeepEqual(after?.dataSync(), logits.dataSync());
  assertClose(after?.dataSync() ?? [], outputs(network, x)[0]?.dataSync() ?? [], 0);
});

test('the hint adds its own weights only, and none to the network', () => {
  const network = buildNetwork(TINY);
  const before = network.trainableWeights.length;
  const taught = withHint(network, 7);
  assert.equal(network.trainableWeights.length, before);
  assert.equal(taught.trainableWeights.length, before + 2);
  assert.equal(network.outputs.length, 1);
});
