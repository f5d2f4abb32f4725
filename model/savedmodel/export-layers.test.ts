import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { applied, BatchNorm } from '../network/layers.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { exportLayers } from './export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from './file.ts';
import { DataType, ExportError, Graph, type Node } from './graph.ts';
import { toGraphModel } from './run.ts';
import { chain, SMALL_PICTURE, scramble } from './test-networks.ts';

const write = (network: LayersModel) => {
  const graph = new Graph();
  return exportLayers(graph, network, graph.placeholder('in', DataType.float, [null, ...SMALL_PICTURE]));
};

const refuses = (network: LayersModel, message: RegExp) =>
  assert.throws(() => write(network), { name: ExportError.name, message });

const photo = () => input({ shape: [...SMALL_PICTURE] });
const conv = (options: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, ...options });
const depthwise = (options: Partial<Parameters<typeof layers.depthwiseConv2d>[0]> = {}) =>
  layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', ...options });

/** Layers that have no exact counterpart, and what the refusal must name. */
const REFUSED: readonly (readonly [message: RegExp, ...row: (() => layers.Layer)[]])[] = [
  [/Layer grow .*UpSampling2D is not supported.*Conv2D/, conv, () => layers.upSampling2d({ name: 'grow' })],
  [/Layer own .*axis: only the last dimension/, () => layers.batchNormalization({ name: 'own', axis: 1 })],
  [/Layer cap .*maxValue/, conv, () => layers.reLU({ name: 'cap', maxValue: 4 })],
  [/Layer conv .*dataFormat/, () => conv({ dataFormat: 'channelsFirst' })],
  [/Layer curve .*activation/, () => layers.activation({ name: 'curve', activation: 'tanh' })],
  [/Layer conv .*activation/, () => conv({ activation: 'elu' })],
  // TensorFlow's DepthwiseConv2dNative ignores its dilations and demands equal strides (depthwise_conv_op.cc).
  [/Layer depth .*dilationRate/, () => depthwise({ name: 'depth', dilationRate: 2 })],
  [/Layer depth .*strides/, () => depthwise({ name: 'depth', strides: [1, 2] })],
  // TensorFlow's MatMul takes matrices only.
  [/Layer dense /, () => layers.dense({ name: 'dense', units: 2 })],
];

for (const [message, ...row] of REFUSED)
  test(`a layer without a counterpart is refused: ${message.source}`, () =>
    refuses(chain(...row.map((layer) => layer())), message));

test('a layer in two places, two inputs, and two outputs are refused', () => {
  const x = photo();
  const twice = conv({ padding: 'same', filters: 3 });
  refuses(model({ inputs: x, outputs: applied(twice, applied(twice, x)) }), /Layer conv .*exactly once/);
  const outputs = [conv(), conv({ name: 'other' })].map((layer) => applied(layer, x));
  refuses(model({ inputs: x, outputs, name: 'fork' }), /Layer fork .*one input and one output/);
  const inputs = [photo(), photo()];
  refuses(model({ inputs, outputs: applied(layers.add(), inputs), name: 'twins' }), /twins .*one input/);
});

test('the nodes carry the names of the layers; a folded normalization leaves none behind', () => {
  assert.equal(write(chain(conv({ activation: 'relu' }))).logits, 'conv/relu');
  const norm = new BatchNorm({ name: 'norm' });
  assert.equal(write(chain(conv({ useBias: false }), norm)).logits, 'conv/bias_add');
});

test('a graph refuses two nodes of one name', () => {
  const graph = new Graph();
  graph.scalar('twice', 1);
  assert.throws(() => graph.scalar('twice', 2), { message: /twice/ });
});

before(() => loadBackend({ native: false }));

const pictures = () => tf.randomUniform([2, ...SMALL_PICTURE], -1, 1, 'float32', 1);

/** Writes the model, reads it back, and runs it. */
const exported = (network: LayersModel) => {
  const graph = new Graph();
  const x = graph.placeholder('in', DataType.float, [null, ...SMALL_PICTURE]);
  const { logits } = exportLayers(graph, network, x);
  const tensor = (node: Node) => ({ node, dtype: DataType.float, shape: [null] });
  const model = encodeSavedModel({ graph, inputs: { in: tensor(x) }, outputs: { out: tensor(logits) } });
  const [output] = [toGraphModel(decodeSavedModel(model)).execute({ in: pictures() }, logits)].flat();
  return output?.dataSync() ?? [];
};

const assertExports = (network: LayersModel) => {
  scramble(network, 3);
  const expected = network.predict(pictures());
  assert.ok(expected instanceof tf.Tensor);
  const values = expected.dataSync();
  assert.ok(new Set(values).size > 4, 'many values are compared');
  assertClose(exported(network), values, 2e-4);
};

const padded = (options: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', ...options });
const plain = { useBias: false };
const pool = { poolSize: [3, 2], strides: [2, 1] } satisfies Parameters<typeof layers.maxPooling2d>[0];

const CHAINS: Readonly<Record<string, () => layers.Layer[]>> = {
  'a strided convolution without padding': () => [padded({ strides: [2, 3], padding: 'valid' })],
  'a dilated convolution': () => [padded({ dilationRate: [2, 1] })],
  'a convolution with its activation': () => [padded({ activation: 'relu' })],
  'a depthwise convolution of several filters': () => [depthwise({ depthMultiplier: 2, strides: 2 })],
  'a normalization behind a convolution': () => [padded(plain), new BatchNorm({})],
  'a normalization behind a depthwise convolution': () => [
    depthwise({ depthMultiplier: 2, ...plain }),
    new BatchNorm({}),
    layers.activation({ activation: 'relu' }),
  ],
  'a normalization of the photo itself': () => [new BatchNorm({}), padded()],
  'a normalization behind a convolution with a bias': () => [padded(), new BatchNorm({})],
  'a normalization behind a convolution with an activation': () => [
    padded({ ...plain, activation: 'relu' }),
    layers.batchNormalization({}),
  ],
  "TensorFlow.js's own normalization behind a convolution": () => [
    padded(plain),
    layers.batchNormalization({ epsilon: 0.01 }),
  ],
  "TensorFlow.js's own normalization without scale and offset": () => [
    depthwise(plain),
    layers.batchNormalization({ scale: false, center: false }),
  ],
  'a rectifier up to 6': () => [padded(), layers.reLU({ maxValue: 6 })],
  'zeros around the picture': () => [
    layers.zeroPadding2d({
      padding: [
        [0, 1],
        [2, 3],
      ],
    }),
    padded({ padding: 'valid', strides: 2 }),
  ],
  'average pooling with padding': () => [layers.averagePooling2d({ ...pool, padding: 'same' })],
  'max pooling without padding': () => [layers.maxPooling2d(pool)],
  'dropout, which only matters in training': () => [layers.dropout({ rate: 0.9 }), padded()],
  'a row of layers that begins with a rectifier, and ends in a dense one': () => [
    layers.reLU({}),
    layers.globalAveragePooling2d({}),
    layers.dense({ units: 5 }),
  ],
  'a dense layer without a bias, with its activation': () => [
    layers.globalAveragePooling2d({}),
    layers.dense({ units: 5, activation: 'softmax', ...plain }),
  ],
};

for (const [name, build] of Object.entries(CHAINS))
  test(`${name} computes the same when exported`, () => assertExports(chain(...build())));

for (const activation of ['linear', 'relu', 'relu6', 'sigmoid', 'softmax'] as const)
  test(`the activation ${activation} computes the same when exported`, () =>
    assertExports(chain(padded(), layers.activation({ activation }))));

/** Networks that are no row of layers. */
const GRAPHS: Readonly<Record<string, (photo: SymbolicTensor) => SymbolicTensor>> = {
  'a sum of three branches': (photo) => {
    const branches = [padded(), padded({ kernelSize: 1 }), padded(plain)];
    return applied(
      layers.add(),
      branches.map((layer) => applied(layer, photo)),
    );
  },
  'branches side by side': (photo) => {
    const branches = [padded(), padded({ filters: 2 })].map((layer) => applied(layer, photo));
    return applied(layers.concatenate(), branches);
  },
  'a normalization of an output that others see too': (photo) => {
    const shared = applied(padded(plain), photo);
    return applied(layers.add(), [applied(new BatchNorm({}), shared), shared]);
  },
};

for (const [name, build] of Object.entries(GRAPHS))
  test(`${name} computes the same when exported`, () => {
    const inputs = photo();
    return assertExports(model({ inputs, outputs: build(inputs) }));
  });
