import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { seededRandom, uniform } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { layersNetwork } from './export-layers.ts';
import { chain, scramble } from './test-networks.ts';
import { TrainableGraph } from './trainable-graph.ts';

before(() => loadBackend({ native: false }));

/** Three blocks: a stem, and two depthwise convolutions with one of single pixels after each. */
const network = () => {
  const relu6 = () => layers.reLU({ maxValue: 6 });
  const model = chain(
    layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', name: 'stem' }),
    relu6(),
    layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'depth_1' }),
    layers.conv2d({ filters: 6, kernelSize: 1, name: 'point_1' }),
    relu6(),
    layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'depth_2' }),
    relu6(),
    layers.conv2d({ filters: 5, kernelSize: 1, name: 'point_2' }),
    relu6(),
    layers.globalAveragePooling2d({}),
    layers.dense({ units: 3, name: 'logits' }),
  );
  scramble(model, 4);
  return model;
};

const LAYERS = ['stem', 'depth_1', 'point_1', 'depth_2', 'point_2', 'logits'];

const photos = () => {
  const random = seededRandom(3);
  const values = Float32Array.from({ length: 2 * 7 * 8 * 3 }, () => uniform(random, -3, 3));
  return tf.tensor4d(values, [2, 7, 8, 3]);
};

test('logits and gradients are those of the layers, however many blocks are trained', () => {
  const model = network();
  const x = photos();
  const weights = model.weights
    .map((weight) => weight.read())
    .filter((value) => value instanceof tf.Variable);
  const loss = (logits: tf.Tensor) => tf.sum<tf.Scalar>(tf.mul(tf.square(logits), tf.tensor1d([1, 2, -3])));
  const expected = tf.variableGrads(() => {
    const logits = model.apply(x);
    assert.ok(logits instanceof tf.Tensor);
    return loss(logits);
  }, weights);
  for (const blocks of [0, 1, 2, 3]) {
    const graph = new TrainableGraph(layersNetwork(model), blocks, (name) => name.startsWith('logits'));
    assert.equal(graph.blocks, 3);
    const layersTrained = new Set(graph.trained.map(({ name }) => name.split('/')[0]));
    assert.equal([...layersTrained].join(), LAYERS.slice(Math.max(0, 5 - 2 * blocks)).join());
    const frozen = graph.runFrozen(x);
    const { value, grads } = tf.variableGrads(
      () => loss(graph.runTrained(frozen)),
      graph.trained.map(({ variable }) => variable),
    );
    assertClose(value.dataSync(), expected.value.dataSync(), 1e-3);
    for (const { name, variable } of graph.trained) {
      const original = weights.find(
        (weight) => weight.name.startsWith(name.replace('kernel', '')) && weight.size === variable.size,
      );
      assertClose(
        grads[variable.name]?.dataSync() ?? [],
        expected.grads[original?.name ?? '']?.dataSync() ?? [],
        1e-3,
      );
    }
    tf.dispose([frozen, value, grads]);
    graph.dispose();
  }
});
