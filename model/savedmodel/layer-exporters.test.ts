import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, sequential } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { BatchNorm } from '../batch-norm.ts';
import { assertClose, noise } from '../shared/test-pictures.ts';
import { exportLayers } from './export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from './file.ts';
import { attribute, DataType, Graph } from './graph.ts';
import { GraphRunner } from './run.ts';
import { applied, chain, SMALL_PICTURE as SHAPE, scramble } from './test-networks.ts';

const SIZE = tf.util.sizeFromShape([...SHAPE]);

before(() => loadBackend({ native: false }));

/** The bytes 0 to 255 of two pictures, as numbers from -1 to 1: what the exported graph and the model both read. */
const BYTES = [1, 2].map((seed) => noise(seed, SIZE));
const pictures = () =>
  tf.tensor(
    BYTES.flatMap((bytes) => Array.from(bytes, (byte) => (byte - 128) / 128)),
    [BYTES.length, ...SHAPE],
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
    graph.reshape('in/pictures', scaled, [-1, ...SHAPE]),
  );
  const savedModel = encodeSavedModel({
    graph,
    inputs: { in: { node: bytes, dtype: DataType.string, shape: [null] } },
    outputs: { out: { node: output, dtype: DataType.float, shape: [null] } },
  });
  const runner = new GraphRunner(decodeSavedModel(savedModel));
  const out = (await runner.run(new Map([['in', { shape: [2], values: BYTES }]]))).get('out');
  assert.ok(out && 'numbers' in out);
  return out.numbers;
};

const assertExports = async (network: LayersModel) => {
  scramble(network, 3);
  const expected = network.predict(pictures());
  assert.ok(expected instanceof tf.Tensor);
  const values = expected.dataSync();
  assert.ok(new Set(values).size > 4, 'many values are compared');
  assertClose(await exported(network), values, 2e-4);
};

const conv = (options: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', ...options });
const depthwise = (options: Partial<Parameters<typeof layers.depthwiseConv2d>[0]> = {}) =>
  layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', ...options });
const plain = { useBias: false };
const pool = { poolSize: [3, 2], strides: [2, 1] } satisfies Parameters<typeof layers.maxPooling2d>[0];

const CHAINS: Readonly<Record<string, () => layers.Layer[]>> = {
  'a convolution with a bias': () => [conv()],
  'a convolution without a bias': () => [conv(plain)],
  'a strided convolution without padding': () => [conv({ strides: [2, 3], padding: 'valid' })],
  'a strided convolution with padding': () => [conv({ strides: 2 })],
  'a dilated convolution': () => [conv({ dilationRate: [2, 1] })],
  'a convolution with an oblong kernel': () => [conv({ kernelSize: [1, 3] })],
  'a convolution with its activation': () => [conv({ activation: 'relu' })],
  'a depthwise convolution': () => [depthwise()],
  'a depthwise convolution of several filters': () => [depthwise({ depthMultiplier: 2, strides: 2 })],
  'a depthwise convolution without padding or bias': () => [depthwise({ padding: 'valid', ...plain })],
  'a depthwise convolution with its activation': () => [depthwise({ activation: 'relu6' })],
  'a normalization behind a convolution': () => [conv(plain), new BatchNorm({})],
  'a normalization behind a depthwise convolution': () => [
    depthwise({ depthMultiplier: 2, ...plain }),
    new BatchNorm({}),
    layers.activation({ activation: 'relu' }),
  ],
  "TensorFlow.js's own normalization behind a convolution": () => [
    conv(plain),
    layers.batchNormalization({ epsilon: 0.01 }),
  ],
  "TensorFlow.js's own normalization without scale and offset": () => [
    depthwise(plain),
    layers.batchNormalization({ scale: false, center: false }),
  ],
  'a rectifier of its own': () => [conv(), layers.reLU({})],
  'a rectifier up to 6': () => [conv(), layers.reLU({ maxValue: 6 })],
  'zeros around the picture': () => [
    layers.zeroPadding2d({
      padding: [
        [0, 1],
        [2, 3],
      ],
    }),
    conv({ padding: 'valid', strides: 2 }),
  ],
  'average pooling without padding': () => [layers.averagePooling2d(pool)],
  'average pooling with padding': () => [layers.averagePooling2d({ ...pool, padding: 'same' })],
  'max pooling without padding': () => [layers.maxPooling2d(pool)],
  'max pooling with padding': () => [layers.maxPooling2d({ ...pool, padding: 'same' })],
  'global average pooling': () => [layers.globalAveragePooling2d({})],
  'dropout, which only matters in training': () => [layers.dropout({ rate: 0.9 }), conv()],
  'a dense layer': () => [layers.globalAveragePooling2d({}), layers.dense({ units: 5 })],
  'a dense layer without a bias, with its activation': () => [
    layers.globalAveragePooling2d({}),
    layers.dense({ units: 5, activation: 'softmax', ...plain }),
  ],
};

for (const [name, build] of Object.entries(CHAINS)) {
  test(`${name} computes the same when exported`, () => assertExports(chain(...build())));
}

for (const activation of ['linear', 'relu', 'relu6', 'sigmoid', 'softmax'] as const) {
  test(`the activation ${activation} computes the same when exported`, () =>
    assertExports(chain(conv(), layers.activation({ activation }))));
}

test('a sum of three branches computes the same when exported', () => {
  const photo = input({ shape: [...SHAPE] });
  const branches = [conv(), conv({ kernelSize: 1 }), conv(plain)].map((layer) => applied(layer, photo));
  return assertExports(model({ inputs: photo, outputs: applied(layers.add(), branches) }));
});

test('branches side by side compute the same when exported', () => {
  const photo = input({ shape: [...SHAPE] });
  const branches = [conv(), conv({ filters: 2 })].map((layer) => applied(layer, photo));
  return assertExports(model({ inputs: photo, outputs: applied(layers.concatenate(), branches) }));
});

test('a residual around a normalization computes the same when exported', () => {
  const photo = input({ shape: [...SHAPE] });
  const x = applied(conv(plain), photo);
  const inner = applied(new BatchNorm({}), applied(conv(plain), x));
  return assertExports(model({ inputs: photo, outputs: applied(layers.add(), [inner, x]) }));
});

test('a sequential model computes the same when exported', () =>
  assertExports(
    sequential({ layers: [conv({ inputShape: [7, 8, 3] }), layers.globalAveragePooling2d({})] }),
  ));
