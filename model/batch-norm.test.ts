import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { loadBackend } from './backend/backend.ts';
import { BatchNorm } from './batch-norm.ts';
import { assertClose } from './shared/test-pictures.ts';

const CHANNELS = 5;
const SHAPES = [
  [3, 4, 6, CHANNELS],
  [7, CHANNELS],
];

before(() => loadBackend({ native: false }));

const random = (shape: number[], seed: number, mean = 0) =>
  tf.randomNormal(shape, mean, 1.5, 'float32', seed);

const single = (output: unknown): tf.Tensor => {
  assert.ok(output instanceof tf.Tensor);
  return output;
};

/** Our layer and TensorFlow.js's own, with the same weights. */
const pair = (shape: readonly number[]) => {
  const weights = [
    random([CHANNELS], 1, 1),
    random([CHANNELS], 2),
    random([CHANNELS], 3),
    tf.add(tf.square(random([CHANNELS], 4)), 0.1),
  ];
  const both = [new BatchNorm({}), layers.batchNormalization({ momentum: 0.95, epsilon: 1e-3 })];
  return both.map((layer) => {
    layer.build([null, ...shape.slice(1)]);
    layer.setWeights(weights);
    return layer;
  });
};

/** The values of a batch of training, of its gradients, and of the moments afterwards. */
const trained = (layer: layers.Layer, shape: number[]): Float32Array[] => {
  const x = tf.variable(random(shape, 5, 2));
  const weigh = random(shape, 6);
  const variables = layer.trainableWeights
    .map((weight) => weight.read())
    .filter((value) => value instanceof tf.Variable);
  assert.equal(variables.length, 2);
  const watched = [x, ...variables];
  let y: tf.Tensor | undefined;
  const { grads } = tf.variableGrads(() => {
    y = tf.keep(single(layer.apply(tf.reshape(x, shape), { training: true })));
    return tf.sum<tf.Scalar>(tf.mul(y, weigh));
  }, watched);
  const results = [y, ...watched.map(({ name }) => grads[name]), ...layer.getWeights()];
  return results.map((result) => Float32Array.from(single(result).dataSync()));
};

const PARTS = ['output', 'd x', 'd gamma', 'd beta', 'gamma', 'beta', 'moving mean', 'moving variance'];

for (const shape of SHAPES) {
  test(`a training step on ${shape.join(' x ')} equals TensorFlow.js's own layer`, () => {
    const [actual = [], expected = []] = pair(shape).map((layer) => trained(layer, shape));
    assert.equal(actual.length, PARTS.length);
    expected.forEach((values, index) => {
      assert.ok(
        values.some((value) => Math.abs(value) > 1e-3),
        `${PARTS[index]} is compared with something`,
      );
      assertClose(actual[index] ?? [], values, 2e-4);
    });
  });

  test(`an inference on ${shape.join(' x ')} equals TensorFlow.js's own layer`, () => {
    const x = random(shape, 7, 1);
    const [actual = [], expected = []] = pair(shape).map((layer) =>
      single(layer.apply(x, { training: false })).dataSync(),
    );
    assertClose(actual, expected, 1e-4);
  });
}

test('inference leaves the moving moments alone and is the default', () => {
  const [layer] = pair([2, CHANNELS]);
  assert.ok(layer);
  const moments = () => layer.getWeights().map((weight) => [...weight.dataSync()]);
  const before = moments();
  const x = random([4, CHANNELS], 8);
  assertClose(single(layer.apply(x)).dataSync(), single(layer.apply(x, { training: false })).dataSync(), 0);
  assert.deepEqual(moments(), before);
});

test('a channel without variance stays finite', () => {
  const layer = new BatchNorm({});
  const y = single(layer.apply(tf.fill([8, 3], 1000), { training: true }));
  assertClose(y.dataSync(), new Float32Array(24), 1e-2);
});

test('an unknown number of channels is refused by the name of the layer', () => {
  const layer = new BatchNorm({ name: 'norm_7' });
  assert.throws(() => layer.build([null, null]), { message: /norm_7.*channels/ });
});
