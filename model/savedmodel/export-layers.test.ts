import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { applied, BatchNorm } from '../network/layers.ts';
import { assertClose, noise } from '../shared/test-pictures.ts';
import { exportLayers } from './export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from './file.ts';
import { attribute, DataType, ExportError, Graph } from './graph.ts';
import { GraphRunner } from './run.ts';
import { chain, numbersIn, SMALL_PICTURE, scramble } from './test-networks.ts';

const write = (network: LayersModel, graph = new Graph()) =>
  exportLayers(graph, network, graph.placeholder('in', DataType.float, [null, ...SMALL_PICTURE]));

const refuses = (network: LayersModel, message: RegExp) =>
  assert.throws(() => write(network), { name: ExportError.name, message });

const photo = () => input({ shape: [...SMALL_PICTURE] });
const conv = (options: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, ...options });
const bare = { useBias: false };
const norm = () => new BatchNorm({ name: 'norm' });

/** Layers that have no exact counterpart, and what the refusal must name. */
const REFUSED: readonly (readonly [message: RegExp, row: () => layers.Layer[]])[] = [
  [
    /Layer grow .*UpSampling2D is not supported.*Conv2D/,
    () => [conv(), layers.upSampling2d({ name: 'grow' })],
  ],
  [
    /Layer own .*axis: only the last dimension/,
    () => [conv(bare), layers.batchNormalization({ name: 'own', axis: 1 })],
  ],
  [/Layer cap .*maxValue/, () => [conv(), layers.reLU({ name: 'cap', maxValue: 4 })]],
  [/Layer conv .*dataFormat/, () => [conv({ dataFormat: 'channelsFirst' })]],
  [
    /Layer pool .*dataFormat/,
    () => [layers.globalAveragePooling2d({ name: 'pool', dataFormat: 'channelsFirst' })],
  ],
  [/Layer curve .*activation/, () => [layers.activation({ name: 'curve', activation: 'tanh' })]],
  [/Layer conv .*activation/, () => [conv({ activation: 'elu' })]],
  // TensorFlow's DepthwiseConv2dNative ignores its dilations and demands equal strides (depthwise_conv_op.cc).
  [
    /Layer depth .*dilationRate/,
    () => [layers.depthwiseConv2d({ name: 'depth', kernelSize: 3, dilationRate: 2 })],
  ],
  [
    /Layer depth .*strides/,
    () => [layers.depthwiseConv2d({ name: 'depth', kernelSize: 3, strides: [1, 2] })],
  ],
  // TensorFlow's MatMul takes matrices only.
  [/Layer dense /, () => [layers.dense({ name: 'dense', units: 2 })]],
];

for (const [message, row] of REFUSED)
  test(`a layer without a counterpart is refused: ${message.source}`, () =>
    refuses(chain(...row()), message));

test('a layer in two places, two inputs, and two outputs are refused', () => {
  const x = photo();
  const twice = conv({ padding: 'same', filters: 3 });
  refuses(model({ inputs: x, outputs: applied(twice, applied(twice, x)) }), /Layer conv .*exactly once/);
  const outputs = [conv(), conv({ name: 'other' })].map((layer) => applied(layer, x));
  refuses(model({ inputs: x, outputs, name: 'fork' }), /Layer fork .*one input and one output/);
  const inputs = [photo(), photo()];
  refuses(model({ inputs, outputs: applied(layers.add(), inputs), name: 'twins' }), /twins .*one input/);
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
  assert.equal(write(chain(conv(bare), norm())).logits, 'conv/bias_add');
});

test('a graph refuses two nodes of one name', () => {
  const graph = new Graph();
  graph.scalar('twice', 1);
  assert.throws(() => graph.scalar('twice', 2), { message: /twice/ });
});

const SIZE = tf.util.sizeFromShape([...SMALL_PICTURE]);

before(() => loadBackend({ native: false }));

/** The bytes 0 to 255 of two pictures, as numbers from -1 to 1: what the exported graph and the model both read. */
const BYTES = [1, 2].map((seed) => noise(seed, SIZE));
const pictures = () =>
  tf.tensor(
    BYTES.flatMap((bytes) => Array.from(bytes, (byte) => (byte - 128) / 128)),
    [BYTES.length, ...SMALL_PICTURE],
  );

/** Writes the model behind a decoder of bytes, reads it back, and runs it. */
const exported = async (network: LayersModel): Promise<readonly number[]> => {
  const graph = new Graph();
  const bytes = graph.placeholder('in', DataType.string, [null]);
  const raw = graph.add('DecodeRaw', 'in/raw', [bytes], {
    out_type: attribute.type(DataType.uint8),
    little_endian: attribute.boolean(true),
  });
  const floats = graph.cast('in/float', raw, DataType.uint8, DataType.float);
  const shifted = graph.float('AddV2', 'in/shifted', [floats, graph.scalar('in/offset', -128)]);
  const scaled = graph.float('Mul', 'in/scaled', [shifted, graph.scalar('in/scale', 1 / 128)]);
  const { logits: output } = exportLayers(
    graph,
    network,
    graph.reshape('in/pictures', scaled, [-1, ...SMALL_PICTURE]),
  );
  const savedModel = encodeSavedModel({
    graph,
    inputs: { in: { node: bytes, dtype: DataType.string, shape: [null] } },
    outputs: { out: { node: output, dtype: DataType.float, shape: [null] } },
  });
  const runner = new GraphRunner(decodeSavedModel(savedModel));
  return numbersIn((await runner.run(new Map([['in', { shape: [2], values: BYTES }]]))).get('out'));
};

const assertExports = async (network: LayersModel) => {
  scramble(network, 3);
  const expected = network.predict(pictures());
  assert.ok(expected instanceof tf.Tensor);
  const values = expected.dataSync();
  assert.ok(new Set(values).size > 4, 'many values are compared');
  assertClose(await exported(network), values, 2e-4);
};

const padded = (options: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', ...options });
const depthwise = (options: Partial<Parameters<typeof layers.depthwiseConv2d>[0]> = {}) =>
  layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', ...options });
const plain = { useBias: false };
const pool = { poolSize: [3, 2], strides: [2, 1] } satisfies Parameters<typeof layers.maxPooling2d>[0];

const CHAINS: Readonly<Record<string, () => layers.Layer[]>> = {
  'a convolution with a bias': () => [padded()],
  'a convolution without a bias': () => [padded(plain)],
  'a strided convolution without padding': () => [padded({ strides: [2, 3], padding: 'valid' })],
  'a dilated convolution': () => [padded({ dilationRate: [2, 1] })],
  'a convolution with its activation': () => [padded({ activation: 'relu' })],
  'a depthwise convolution': () => [depthwise()],
  'a depthwise convolution of several filters': () => [depthwise({ depthMultiplier: 2, strides: 2 })],
  'a depthwise convolution without padding or bias': () => [depthwise({ padding: 'valid', ...plain })],
  'a normalization behind a convolution': () => [padded(plain), new BatchNorm({})],
  'a normalization behind a depthwise convolution': () => [
    depthwise({ depthMultiplier: 2, ...plain }),
    new BatchNorm({}),
    layers.activation({ activation: 'relu' }),
  ],
  'a normalization of the photo itself': () => [new BatchNorm({}), padded()],
  'a normalization behind an activation': () => [
    padded(plain),
    layers.activation({ activation: 'relu' }),
    new BatchNorm({}),
  ],
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
  'a rectifier of its own': () => [padded(), layers.reLU({})],
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
  'average pooling without padding': () => [layers.averagePooling2d(pool)],
  'average pooling with padding': () => [layers.averagePooling2d({ ...pool, padding: 'same' })],
  'max pooling without padding': () => [layers.maxPooling2d(pool)],
  'max pooling with padding': () => [layers.maxPooling2d({ ...pool, padding: 'same' })],
  'global average pooling': () => [layers.globalAveragePooling2d({})],
  'dropout, which only matters in training': () => [layers.dropout({ rate: 0.9 }), padded()],
  'a dense layer': () => [layers.globalAveragePooling2d({}), layers.dense({ units: 5 })],
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
  'a residual around a normalization': (photo) => {
    const x = applied(padded(plain), photo);
    const inner = applied(new BatchNorm({}), applied(padded(plain), x));
    return applied(layers.add(), [inner, x]);
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

test('a sequential model computes the same when exported', () =>
  assertExports(
    sequential({ layers: [padded({ inputShape: [7, 8, 3] }), layers.globalAveragePooling2d({})] }),
  ));
