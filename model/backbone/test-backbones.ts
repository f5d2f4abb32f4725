import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import type { Example } from '../data/dataset.ts';
import { applied } from '../network/layers.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { seededRandom, uniform } from '../shared/random.ts';
import { example } from '../shared/test-pictures.ts';

/** Tiny pretrained networks, as TensorFlow.js would have them on disk. */

/** Side of the photos that they are made for. */
const TINY_SIDE = 32;

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Attributes in the JSON mapping of protobuf. */
export const json = {
  text: (value: string) => ({ s: base64(value) }),
  texts: (...values: string[]) => ({ list: { s: values.map(base64) } }),
  integers: (...values: number[]) => ({ list: { i: values.map(String) } }),
  boolean: (b: boolean) => ({ b }),
  float: (f: number) => ({ f }),
  shape: (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } }),
} as const;

const spatial = (stride: number, padding = 'SAME') => ({
  strides: json.integers(1, stride, stride, 1),
  padding: json.text(padding),
  data_format: json.text('NHWC'),
});

interface WeightSpec {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32';
}

const roundedToBytes = (spec: WeightSpec, data: Uint8Array) => {
  const values = new Float32Array(data.buffer);
  const min = Math.min(...values);
  const scale = (Math.max(...values) - min) / 255;
  return {
    spec: { ...spec, quantization: { dtype: 'uint8', scale, min } },
    data: Uint8Array.from(values, (value) => Math.round((value - min) / scale)),
  };
};

type Attributes = Readonly<Record<string, unknown>>;

/** A graph model under construction; each method returns the new node's name. */
export class GraphModelBuilder {
  readonly #nodes: { name: string; op: string; input: string[]; attr: Attributes }[] = [];
  readonly #weights: WeightSpec[] = [];
  readonly #data: Uint8Array[] = [];
  readonly #random = seededRandom(7);

  add(op: string, name: string, input: string[], attr: Attributes = {}): string {
    this.#nodes.push({ name, op, input, attr });
    return name;
  }

  photos(side = TINY_SIDE, channels = 3): string {
    return this.add('Placeholder', 'images', [], { shape: json.shape(-1, side, side, channels) });
  }

  #constant(name: string, shape: number[], values: Float32Array | Int32Array): string {
    this.#weights.push({ name, shape, dtype: values instanceof Float32Array ? 'float32' : 'int32' });
    this.#data.push(new Uint8Array(values.buffer));
    return this.add('Const', name, [], {});
  }

  integers(name: string, values: number[], shape: number[] = [values.length]): string {
    return this.#constant(name, shape, Int32Array.from(values));
  }

  number(name: string, value: number): string {
    return this.#constant(name, [], Float32Array.of(value));
  }

  values(name: string, values: number[]): string {
    return this.#constant(name, [values.length], Float32Array.from(values));
  }

  /** Random, between `low` and `high`. */
  weights(name: string, shape: number[], low = -0.5, high = 0.5): string {
    const length = tf.util.sizeFromShape(shape);
    return this.#constant(
      name,
      shape,
      Float32Array.from({ length }, () => uniform(this.#random, low, high)),
    );
  }

  /** Convolution, bias and activation in one, as TensorFlow.js's converter leaves them. */
  fused(op: string, name: string, x: string, kernel: number[], stride: number, ...fused: string[]): string {
    const channels = op.includes('Depthwise') ? kernel[2] : kernel[3];
    const inputs = [x, this.weights(`${name}/kernel`, kernel), this.weights(`${name}/bias`, [channels ?? 1])];
    return this.add(op, name, inputs, {
      ...spatial(stride),
      fused_ops: json.texts(...fused),
      num_args: { i: '1' },
      dilations: json.integers(1, 1, 1, 1),
    });
  }

  /** A convolution alone. */
  convolution(op: string, name: string, x: string, kernel: number[], stride = 1, padding = 'SAME'): string {
    return this.add(op, name, [x, this.weights(`${name}/kernel`, kernel)], {
      ...spatial(stride, padding),
      dilations: json.integers(1, 1, 1, 1),
    });
  }

  mean(name: string, x: string): string {
    return this.add('Mean', name, [x, this.integers(`${name}/axes`, [1, 2])], {
      keep_dims: json.boolean(true),
    });
  }

  /** @param options.quantized store weights rounded to bytes, as the converter does to save space */
  save(directory: string, { quantized = false }: { quantized?: boolean } = {}): string {
    const stored = this.#weights.map((spec, index) => {
      const data = this.#data[index] ?? new Uint8Array();
      return quantized && spec.dtype === 'float32' ? roundedToBytes(spec, data) : { spec, data };
    });
    const paths = ['group1-shard1of1.bin'];
    const description = {
      modelTopology: { node: this.#nodes, versions: {} },
      format: 'graph-model',
      weightsManifest: [{ paths, weights: stored.map(({ spec }) => spec) }],
    };
    mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, 'model.json'), JSON.stringify(description));
    writeFileSync(
      path.join(directory, 'group1-shard1of1.bin'),
      Buffer.concat(stored.map(({ data }) => data)),
    );
    return directory;
  }
}

/** How a tiny network treats its photos first; `none`: it takes [-1, 1]. */
type TinyPreprocessing = 'none' | 'hub' | 'bytes';

const preprocess = (builder: GraphModelBuilder, kind: TinyPreprocessing): string => {
  const photos = builder.photos();
  if (kind === 'none') return photos;
  const factor = builder.number('hub/y', kind === 'hub' ? 2 : 1 / 127.5);
  const scaled = builder.add('Mul', 'hub/scaled', [photos, factor]);
  return builder.add('Sub', 'hub/shifted', [scaled, builder.number('hub/one', 1)]);
};

/** A network of nearly every operation that graph models of classifiers have. */
export const saveTinyGraph = (directory: string, preprocessing: TinyPreprocessing = 'hub'): string => {
  const builder = new GraphModelBuilder();
  const photos = preprocess(builder, preprocessing);
  const stem = builder.fused('_FusedConv2D', 'stem', photos, [3, 3, 3, 4], 2, 'BiasAdd', 'Relu6');
  const depthwise = builder.convolution('DepthwiseConv2dNative', 'depthwise', stem, [3, 3, 4, 2]);
  const biased = builder.add('BiasAdd', 'biased', [depthwise, builder.weights('bias', [8])]);
  const high = builder.add('Relu6', 'high', [biased]);
  const padded = builder.add('Pad', 'padded', [
    builder.add('Identity', 'same', [high]),
    builder.integers('borders', [0, 0, 0, 1, 1, 0, 0, 0], [4, 2]),
  ]);
  const halved = builder.convolution('DepthwiseConv2dNative', 'halved', padded, [3, 3, 8, 1], 2, 'VALID');
  const moments = [
    builder.weights('gamma', [8], 0.5, 1.5),
    builder.weights('beta', [8]),
    builder.weights('average', [8]),
    builder.weights('variance', [8], 0.5, 1.5),
  ];
  const normalized = builder.add('FusedBatchNormV3', 'normalized', [halved, ...moments], {
    epsilon: json.float(0.01),
    is_training: json.boolean(false),
  });
  const low = builder.add('Relu', 'low', [normalized]);
  const inner = builder.fused('FusedDepthwiseConv2dNative', 'inner', low, [3, 3, 8, 1], 1, 'BiasAdd', 'Relu');
  const residual = builder.add('AddV2', 'residual', [low, inner]);
  const squeezed = builder.mean('squeezed', residual);
  const gate = builder.add('Sigmoid', 'gate', [
    builder.fused('_FusedConv2D', 'excited', squeezed, [1, 1, 8, 8], 1, 'BiasAdd'),
  ]);
  const gated = builder.add('Mul', 'gated', [residual, gate]);
  const window = { ...spatial(1), ksize: json.integers(1, 2, 2, 1) };
  const branches = [
    builder.convolution('Conv2D', 'pointwise', gated, [1, 1, 8, 3]),
    builder.add('MaxPool', 'largest', [gated], window),
    builder.add('AvgPool', 'usual', [gated], window),
  ];
  const side = builder.add('ConcatV2', 'branches', [...branches, builder.integers('axis', [3], [])], {
    N: { i: '3' },
  });
  const halvedAgain = builder.add('RealDiv', 'divided', [side, builder.number('two', 2)]);
  const pooled = builder.mean(
    'pooling',
    builder.add('Sub', 'last', [halvedAgain, builder.number('bit', 0.1)]),
  );
  const logits = builder.fused('_FusedConv2D', 'logits', pooled, [1, 1, 19, 5], 1, 'BiasAdd');
  builder.add('Squeeze', 'answer', [logits], { squeeze_dims: json.integers(1, 2) });
  return builder.save(directory);
};

/** The layers of a small MobileNet in Keras's way. */
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
  const border: [[number, number], [number, number]] = [
    [0, 1],
    [0, 1],
  ];
  const low = row(
    high,
    layers.zeroPadding2d({ padding: border }),
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

/** Writes a layers model to disk. */
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

/** Photos of so many classes, each of its own colour and no two alike; the class is `index % classes`. */
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
