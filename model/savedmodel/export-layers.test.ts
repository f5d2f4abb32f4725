import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { input, type LayersModel, layers, model } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { BatchNorm } from '../network/layers.ts';
import { buildNetwork, withDistillationHead } from '../network/network.ts';
import { exportLayers } from './export-layers.ts';
import { DataType, ExportError, Graph } from './graph.ts';
import { applied, chain, SMALL_PICTURE } from './test-networks.ts';

before(() => loadBackend({ native: false }));

const write = (network: LayersModel, graph = new Graph()) =>
  exportLayers(graph, network, graph.placeholder('in', DataType.float, [null, ...SMALL_PICTURE]));

const refuses = (network: LayersModel, message: RegExp) =>
  assert.throws(
    () => write(network),
    (error) => {
      assert.ok(error instanceof ExportError, String(error));
      assert.match(error.message, message);
      return true;
    },
  );

const photo = () => input({ shape: [...SMALL_PICTURE] });
const conv = (options: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, ...options });
const bare = { useBias: false };
const norm = () => new BatchNorm({ name: 'norm' });

/** Layers that have no exact counterpart, and what the refusal must name. */
const REFUSED: Readonly<Record<string, { row: () => layers.Layer[]; message: RegExp }>> = {
  'a layer of another class': {
    row: () => [conv(), layers.upSampling2d({ name: 'grow' })],
    message: /Layer grow .*UpSampling2D is not supported.*Conv2D/,
  },
  "TensorFlow.js's own batch normalization of rows": {
    row: () => [conv(bare), layers.batchNormalization({ name: 'own', axis: 1 })],
    message: /Layer own .*axis: only the last dimension/,
  },
  'a rectifier up to 4': {
    row: () => [conv(), layers.reLU({ name: 'cap', maxValue: 4 })],
    message: /Layer cap .*maxValue/,
  },
  'channels before the sides': {
    row: () => [conv({ dataFormat: 'channelsFirst' })],
    message: /Layer conv .*dataFormat/,
  },
  'pooling of channels before the sides': {
    row: () => [layers.globalAveragePooling2d({ name: 'pool', dataFormat: 'channelsFirst' })],
    message: /Layer pool .*dataFormat/,
  },
  'the activation tanh': {
    row: () => [layers.activation({ name: 'curve', activation: 'tanh' })],
    message: /Layer curve .*activation/,
  },
  'a convolution with the activation elu': {
    row: () => [conv({ activation: 'elu' })],
    message: /Layer conv .*activation/,
  },
  'a normalization of the photo itself': {
    row: () => [norm(), conv()],
    message: /Layer norm .*right after a convolution/,
  },
  'a normalization behind an activation': {
    row: () => [conv(bare), layers.activation({ activation: 'relu' }), norm()],
    message: /Layer norm .*right after a convolution/,
  },
  'a normalization behind a convolution with a bias': {
    row: () => [conv(), norm()],
    message: /Layer norm .*without bias/,
  },
  'a normalization behind a convolution with an activation': {
    row: () => [conv({ ...bare, activation: 'relu' }), norm()],
    message: /Layer norm .*without bias and activation/,
  },
  // TensorFlow's DepthwiseConv2dNative ignores its dilations and demands equal strides (depthwise_conv_op.cc).
  'a dilated depthwise convolution': {
    row: () => [layers.depthwiseConv2d({ name: 'depth', kernelSize: 3, dilationRate: 2 })],
    message: /Layer depth .*dilationRate/,
  },
  'a depthwise convolution with unequal strides': {
    row: () => [layers.depthwiseConv2d({ name: 'depth', kernelSize: 3, strides: [1, 2] })],
    message: /Layer depth .*strides/,
  },
  // TensorFlow's MatMul takes matrices only.
  'a dense layer on feature maps': {
    row: () => [layers.dense({ name: 'dense', units: 2 })],
    message: /Layer dense /,
  },
};

for (const [name, { row, message }] of Object.entries(REFUSED)) {
  test(`${name} is refused by the name of the layer`, () => refuses(chain(...row()), message));
}

test('a normalization of an output that others see too is refused', () => {
  const x = photo();
  const shared = applied(conv(bare), x);
  const output = applied(layers.add(), [applied(norm(), shared), shared]);
  refuses(model({ inputs: x, outputs: output }), /Layer norm .*right after a convolution/);
});

test('a layer that is used in two places is refused', () => {
  const x = photo();
  const twice = conv({ padding: 'same', filters: 3 });
  const output = applied(twice, applied(twice, x));
  refuses(model({ inputs: x, outputs: output }), /Layer conv .*exactly once/);
});

test('a model with two outputs is refused', () => {
  const network = buildNetwork({ classes: 2, stem: 4, blocks: [6] });
  refuses(withDistillationHead(network, 3), /Layer with-distillation .*one input and one output/);
});

test('a model with two inputs is refused', () => {
  const inputs = [photo(), photo()];
  refuses(model({ inputs, outputs: applied(layers.add(), inputs), name: 'twins' }), /twins .*one input/);
});

test('a network that was taught is exported as if it had not been', () => {
  const network = buildNetwork({ classes: 2, stem: 4, blocks: [6] });
  const [before, after] = [new Graph(), new Graph()];
  write(network, before);
  withDistillationHead(network, 3);
  write(network, after);
  assert.deepEqual(after.nodes, before.nodes);
});

test('the nodes carry the names of the layers', () => {
  const graph = new Graph();
  const { logits: output } = write(chain(conv({ activation: 'relu' })), graph);
  assert.deepEqual(
    graph.nodes.map(({ name, op }) => `${name}: ${op}`),
    [
      'in: Placeholder',
      'conv/kernel: Const',
      'conv: Conv2D',
      'conv/bias: Const',
      'conv/bias_add: BiasAdd',
      'conv/relu: Relu',
    ],
  );
  assert.equal(output, 'conv/relu');
});

test('a folded normalization leaves no node behind', () => {
  const graph = new Graph();
  assert.equal(write(chain(conv(bare), norm()), graph).logits, 'conv/bias_add');
  assert.deepEqual(
    graph.nodes.filter(({ name }) => name?.includes('norm')),
    [],
  );
});

test('a graph refuses two nodes of one name', () => {
  const graph = new Graph();
  graph.scalar('twice', 1);
  assert.throws(() => graph.scalar('twice', 2), { message: /twice/ });
});
