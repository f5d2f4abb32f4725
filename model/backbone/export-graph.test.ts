import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { loadBackend } from '../backend/backend.ts';
import { ExportError } from '../savedmodel/graph.ts';
import { Backbone } from './backbone.ts';
import { GraphModelBuilder, json } from './test-backbones.ts';

const work = temporaryFolder({ after });
before(() => loadBackend({ native: false }));

const NHWC = { data_format: json.text('NHWC'), padding: json.text('SAME') };
const kernel = (builder: GraphModelBuilder) => builder.weights('kernel', [3, 3, 3, 4]);

/** Graphs with something between photo and pooling that has no exact counterpart, and what the refusal must name. */
const REFUSED: Readonly<
  Record<string, { build: (builder: GraphModelBuilder, x: string) => string; message: RegExp }>
> = {
  'an operation that is not known': {
    build: (builder, x) => builder.add('LRN', 'contrast', [x]),
    message: /Layer contrast .*operation LRN is not supported; use a network of Conv2D, /,
  },
  'an activation that is fused and not known': {
    build: (builder, x) => builder.fused('_FusedConv2D', 'stem', x, [3, 3, 3, 4], 2, 'BiasAdd', 'Elu'),
    message: /Layer stem \(_FusedConv2D\) .*fuses BiasAdd, Elu; known are BiasAdd, and Relu, Relu6/,
  },
  'a fused convolution without a bias': {
    build: (builder, x) => builder.fused('_FusedConv2D', 'stem', x, [3, 3, 3, 4], 2, 'Relu'),
    message: /fuses Relu;/,
  },
  'channels before the sides': {
    build: (builder, x) =>
      builder.add('Conv2D', 'stem', [x, kernel(builder)], {
        ...NHWC,
        data_format: json.text('NCHW'),
        strides: json.integers(1, 1, 2, 2),
      }),
    message: /Layer stem .*(strides|data_format)/,
  },
  'explicit padding': {
    build: (builder, x) =>
      builder.add('Conv2D', 'stem', [x, kernel(builder)], {
        ...NHWC,
        padding: json.text('EXPLICIT'),
        strides: json.integers(1, 2, 2, 1),
      }),
    message: /Layer stem .*padding \("EXPLICIT"\) is not supported/,
  },
  'a dilated depthwise convolution': {
    build: (builder, x) =>
      builder.add('DepthwiseConv2dNative', 'wide', [x, builder.weights('kernel', [3, 3, 3, 1])], {
        ...NHWC,
        strides: json.integers(1, 1, 1, 1),
        dilations: json.integers(1, 2, 2, 1),
      }),
    message: /Layer wide \(DepthwiseConv2dNative\) .*dilated/,
  },
  'a depthwise convolution of unequal strides': {
    build: (builder, x) =>
      builder.add('DepthwiseConv2dNative', 'oblong', [x, builder.weights('kernel', [3, 3, 3, 1])], {
        ...NHWC,
        strides: json.integers(1, 1, 2, 1),
      }),
    message: /Layer oblong .*strides must be equal/,
  },
  'a normalization as while training': {
    build: (builder, x) =>
      builder.add(
        'FusedBatchNormV3',
        'norm',
        [x, ...['a', 'b', 'c', 'd'].map((name) => builder.weights(name, [3], 0.5, 1))],
        {
          is_training: json.boolean(true),
        },
      ),
    message: /Layer norm .*as while training/,
  },
  'axes that depend on the photo': {
    build: (builder, x) => builder.add('Pad', 'border', [x, builder.add('Relu', 'size', [x])]),
    message: /Layer border \(Pad\) .*input 1 must be constant/,
  },
};

for (const [name, { build, message }] of Object.entries(REFUSED)) {
  test(`${name} is refused when the backbone is opened, by the name of the node`, async () => {
    const builder = new GraphModelBuilder();
    builder.mean('pooling', build(builder, builder.add('Relu', 'first', [builder.photos()])));
    const directory = builder.save(path.join(work, name.replaceAll(' ', '-')));
    await assert.rejects(Backbone.load(directory), { name: ExportError.name, message });
  });
}
