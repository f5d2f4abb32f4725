import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { create, toJson } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import type { Example } from '../data/dataset.ts';
import { applied } from '../network/layers.ts';
import { attribute, DataType, Graph, type Node } from '../savedmodel/graph.ts';
import { NodeDefSchema } from '../savedmodel/proto/tensorflow_pb.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { seededRandom, uniform } from '../shared/random.ts';
import { example } from '../shared/test-pictures.ts';
import { Backbone, type BackboneOptions } from './backbone.ts';
import { BackboneError } from './model-files.ts';

/** Tiny pretrained networks in TensorFlow.js's file formats. */

/** Side of the photos that they expect. */
const TINY_SIDE = 32;

export const spatial = (stride: number, padding = 'SAME') => ({
  strides: attribute.integers([1, stride, stride, 1]),
  padding: attribute.text(padding),
  data_format: attribute.text('NHWC'),
});

interface WeightSpec {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32';
}

const roundedToBytes = (spec: WeightSpec, data: Uint8Array) => {
  const values = new Float32Array(data.slice().buffer);
  const min = Math.min(...values);
  const scale = (Math.max(...values) - min) / 255;
  return {
    spec: { ...spec, quantization: { dtype: 'uint8', scale, min } },
    data: Uint8Array.from(values, (value) => Math.round((value - min) / scale)),
  };
};

/** A graph model under construction. */
export class GraphModelBuilder extends Graph {
  readonly #random = seededRandom(7);

  photos(side = TINY_SIDE, channels = 3): Node {
    return this.placeholder('images', DataType.float, [null, side, side, channels]);
  }

  values(name: string, values: number[]): Node {
    return this.floats(name, Float32Array.from(values), [values.length]);
  }

  random(name: string, shape: number[], low = -0.5, high = 0.5): Node {
    const length = tf.util.sizeFromShape(shape);
    return this.floats(
      name,
      Float32Array.from({ length }, () => uniform(this.#random, low, high)),
      shape,
    );
  }

  /** Convolution, bias and activation in one, as TensorFlow.js's converter leaves them. */
  fused(op: string, name: string, x: Node, kernel: number[], stride: number, ...fused: string[]): Node {
    const channels = op.includes('Depthwise') ? kernel[2] : kernel[3];
    const inputs = [x, this.random(`${name}/kernel`, kernel), this.random(`${name}/bias`, [channels ?? 1])];
    const texts = fused.map((text) => new TextEncoder().encode(text));
    return this.add(op, name, inputs, {
      ...spatial(stride),
      fused_ops: { value: { case: 'list', value: { s: texts } } },
      num_args: attribute.integer(1),
      dilations: attribute.integers([1, 1, 1, 1]),
    });
  }

  convolution(op: string, name: string, x: Node, kernel: number[], stride = 1, padding = 'SAME'): Node {
    const dilations = attribute.integers([1, 1, 1, 1]);
    const attributes = { ...spatial(stride, padding), dilations };
    return this.add(op, name, [x, this.random(`${name}/kernel`, kernel)], attributes);
  }

  /** Means over height and width, which remain as dimensions. */
  pooled(name: string, x: Node): Node {
    const keep_dims = attribute.boolean(true);
    return this.add('Mean', name, [x, this.integers(`${name}/axes`, [1, 2])], { keep_dims });
  }

  /** @param options.quantized store weights rounded to bytes, as the converter does to save space */
  save(directory: string, { quantized = false } = {}): string {
    const nodes = this.nodes.map((node) => create(NodeDefSchema, node));
    const stored = nodes.flatMap(({ name, attr }) => {
      const value = attr['value']?.value;
      if (value?.case !== 'tensor') return [];
      const { dtype, tensorShape, tensorContent: data } = value.value;
      const shape = (tensorShape?.dim ?? []).map(({ size }) => Number(size));
      const spec: WeightSpec = { name, shape, dtype: dtype === DataType.float ? 'float32' : 'int32' };
      return [quantized && spec.dtype === 'float32' ? roundedToBytes(spec, data) : { spec, data }];
    });
    const node = nodes.map((each) =>
      toJson(NodeDefSchema, each.op === 'Const' ? { ...each, attr: {} } : each),
    );
    const description = {
      modelTopology: { node, versions: {} },
      format: 'graph-model',
      weightsManifest: [{ paths: ['group1-shard1of1.bin'], weights: stored.map(({ spec }) => spec) }],
    };
    mkdirSync(directory, { recursive: true });
    // Our own graphs never have fractional attributes.
    const json = JSON.stringify(description).replace(/(?="is_training")/, '"epsilon":{"f":0.01},');
    writeFileSync(path.join(directory, 'model.json'), json);
    const weights = Buffer.concat(stored.map(({ data }) => data));
    writeFileSync(path.join(directory, 'group1-shard1of1.bin'), weights);
    return directory;
  }
}

/** The preprocessing of a tiny network; `none` expects [-1, 1]. */
type TinyPreprocessing = 'none' | 'hub' | 'bytes';

const preprocess = (builder: GraphModelBuilder, kind: TinyPreprocessing): Node => {
  const photos = builder.photos();
  if (kind === 'none') return photos;
  const factor = builder.scalar('hub/y', kind === 'hub' ? 2 : 1 / 127.5);
  const scaled = builder.add('Mul', 'hub/scaled', [photos, factor]);
  return builder.add('Sub', 'hub/shifted', [scaled, builder.scalar('hub/one', 1)]);
};

/** A network with nearly all operations that occur in graph models of classifiers. */
export const saveTinyGraph = (directory: string, preprocessing: TinyPreprocessing = 'hub'): string => {
  const builder = new GraphModelBuilder();
  const photos = preprocess(builder, preprocessing);
  const stem = builder.fused('_FusedConv2D', 'stem', photos, [3, 3, 3, 4], 2, 'BiasAdd', 'Relu6');
  const depthwise = builder.convolution('DepthwiseConv2dNative', 'depthwise', stem, [3, 3, 4, 2]);
  const biased = builder.add('BiasAdd', 'biased', [depthwise, builder.random('bias', [8])]);
  const high = builder.add('Relu6', 'high', [biased]);
  const padded = builder.add('Pad', 'padded', [
    builder.add('Identity', 'same', [high]),
    builder.integers('borders', [0, 0, 0, 1, 1, 0, 0, 0], [4, 2]),
  ]);
  const halved = builder.convolution('DepthwiseConv2dNative', 'halved', padded, [3, 3, 8, 1], 2, 'VALID');
  const moments = [
    builder.random('gamma', [8], 0.5, 1.5),
    builder.random('beta', [8]),
    builder.random('average', [8]),
    builder.random('variance', [8], 0.5, 1.5),
  ];
  const normalized = builder.add('FusedBatchNormV3', 'normalized', [halved, ...moments], {
    is_training: attribute.boolean(false),
  });
  const low = builder.add('Relu', 'low', [normalized]);
  const inner = builder.fused('FusedDepthwiseConv2dNative', 'inner', low, [3, 3, 8, 1], 1, 'BiasAdd', 'Relu');
  const residual = builder.add('AddV2', 'residual', [low, inner]);
  const squeezed = builder.pooled('squeezed', residual);
  const gate = builder.add('Sigmoid', 'gate', [
    builder.fused('_FusedConv2D', 'excited', squeezed, [1, 1, 8, 8], 1, 'BiasAdd'),
  ]);
  const gated = builder.add('Mul', 'gated', [residual, gate]);
  const window = { ...spatial(1), ksize: attribute.integers([1, 2, 2, 1]) };
  const branches = [
    builder.convolution('Conv2D', 'pointwise', gated, [1, 1, 8, 3]),
    builder.add('MaxPool', 'largest', [gated], window),
    builder.add('AvgPool', 'usual', [gated], window),
    builder.integers('axis', [3], []),
  ];
  const side = builder.add('ConcatV2', 'branches', branches, { N: attribute.integer(3) });
  const divided = builder.add('RealDiv', 'divided', [side, builder.scalar('two', 2)]);
  const last = builder.add('Sub', 'last', [divided, builder.scalar('bit', 0.1)]);
  const pooled = builder.pooled('pooling', last);
  const logits = builder.fused('_FusedConv2D', 'logits', pooled, [1, 1, 19, 5], 1, 'BiasAdd');
  builder.add('Squeeze', 'answer', [logits], { squeeze_dims: attribute.integers([1, 2]) });
  return builder.save(directory);
};

/** The layers of a small MobileNet, in the style of Keras. */
export const tinyLayers = (side = TINY_SIDE): LayersModel => {
  const photo = input({ shape: [side, side, 3] });
  const plain = { useBias: false };
  const row = (x: SymbolicTensor, ...next: layers.Layer[]) =>
    next.reduce<SymbolicTensor>((y, layer) => applied(layer, y), x);
  const high = row(
    photo,
    layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', ...plain }),
    layers.batchNormalization({}),
    layers.reLU({ maxValue: 6 }),
  );
  const low = row(
    high,
    layers.zeroPadding2d({
      padding: [
        [0, 1],
        [0, 1],
      ],
    }),
    layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'valid', ...plain }),
    layers.batchNormalization({ epsilon: 0.01 }),
    layers.activation({ activation: 'relu6' }),
    layers.conv2d({ filters: 6, kernelSize: 1, ...plain }),
    layers.batchNormalization({ scale: false }),
  );
  const residual = applied(layers.add(), [low, applied(layers.activation({ activation: 'relu' }), low)]);
  const classes = row(
    residual,
    layers.globalAveragePooling2d({}),
    layers.dropout({ rate: 0.1 }),
    layers.dense({ units: 5, activation: 'softmax' }),
  );
  const network = model({ inputs: photo, outputs: classes });
  scramble(network, 5);
  return network;
};

export const saveLayers = async (directory: string, network: LayersModel): Promise<string> => {
  const paths = ['weights.bin'];
  await network.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      const description = { modelTopology, weightsManifest: [{ paths, weights: weightSpecs }] };
      mkdirSync(directory, { recursive: true });
      writeFileSync(path.join(directory, 'model.json'), JSON.stringify(description));
      const bytes = weightData instanceof ArrayBuffer ? [weightData] : (weightData ?? []);
      writeFileSync(
        path.join(directory, 'weights.bin'),
        Buffer.concat(bytes.map((part) => new Uint8Array(part))),
      );
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return directory;
};

/** Distinct photos, with a colour for each class; the class is `index % classes`. */
export const colouredPhotos = (count: number, classes: number, seed: number): Example[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const label = index % classes;
    const colour = [0, 1, 2].map((channel) => (channel === label % 3 ? 150 : 40) + random() * 80);
    const pixels = Uint8Array.from(
      { length: PHOTO_BYTES },
      (_, place) => (colour[place % 3] ?? 0) + (place % 7) * 3,
    );
    return example(label, `${seed}-${index}`, pixels);
  });
};

/** Fails unless the folder is refused with this message, which names it. */
export const refuses = (directory: string, message: RegExp, options: BackboneOptions = {}): Promise<void> =>
  assert.rejects(Backbone.load(directory, options), (error) => {
    assert.ok(error instanceof BackboneError && error.message.includes(directory), String(error));
    assert.match(error.message, message);
    return true;
  });
