import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { input, layers, model } from '@tensorflow/tfjs-layers';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { loadBackend } from '../backend/backend.ts';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import { applied } from '../network/layers.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import { type Attribute, attribute } from '../savedmodel/graph.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildFeaturesGraph } from '../savedmodel/serving-graph.ts';
import { numbersIn } from '../savedmodel/test-networks.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { Backbone, type BackboneOptions, openExtractor } from './backbone.ts';
import {
  colouredPhotos,
  GraphModelBuilder,
  refuses,
  saveLayers,
  saveTinyGraph,
  spatial,
  tinyLayers,
} from './test-backbones.ts';

const work = temporaryFolder({ after });
const at = (name: string) => path.join(work, name);
before(() => loadBackend({ native: false }));

const photos = colouredPhotos(3, 3, 1);

/** What TensorFlow.js itself computes of the photos. */
const described = (backbone: Backbone, examples: readonly Example[] = photos): number[] =>
  tf.tidy(() => [...backbone.extract(photoTensor(examples)).dataSync()]);

/** What the exported graph computes of them: the mean over each photo and its mirror image. */
const exported = async (backbone: Backbone): Promise<readonly number[]> => {
  const graph = buildFeaturesGraph((graph, x) => {
    const features = backbone.write(graph, x);
    return { features, logits: features };
  }, 'float');
  const runner = new GraphRunner(decodeSavedModel(encodeSavedModel(graph)));
  const output = await runner.run(
    new Map([['photo', { shape: [photos.length], values: photos.map(({ pixels }) => pixels) }]]),
  );
  runner.dispose();
  return numbersIn(output.get('features'));
};

const bothWays = (backbone: Backbone): number[] =>
  tf.tidy(() => {
    const x = photoTensor(photos);
    const views = [x, tf.reverse(x, 2)].map((view) => backbone.extract(view));
    return [...tf.mean(tf.stack(views), 0).dataSync()];
  });

const BACKBONES: Readonly<Record<string, (name: string) => string | Promise<string>>> = {
  'a graph model with its own preprocessing': (name) => saveTinyGraph(at(name), 'hub'),
  'a graph model that takes bytes': (name) => saveTinyGraph(at(name), 'bytes'),
  'a graph model without preprocessing': (name) => saveTinyGraph(at(name), 'none'),
  'a layers model': (name) => saveLayers(at(name), tinyLayers()),
};

for (const backend of ['wasm', 'cpu'])
  for (const [name, save] of Object.entries(BACKBONES))
    test(`${name} is exported as what TensorFlow.js computes, on the ${backend} backend, and leaves nothing in memory`, async () => {
      await tf.setBackend(backend);
      const directory = await save(name);
      const { numTensors } = tf.memory();
      const backbone = await Backbone.load(directory);
      const loaded = tf.memory().numTensors;
      const expected = bothWays(backbone);
      assert.equal(tf.memory().numTensors, loaded);
      assert.ok(new Set(expected.map((value) => value.toFixed(3))).size > 8, 'the features differ');
      assertClose(await exported(backbone), expected, 1e-4);
      backbone.dispose();
      assert.ok(tf.memory().numTensors <= numTensors + 2, `${tf.memory().numTensors - numTensors} are left`);
      await tf.setBackend('wasm');
    });

test('features are the means of the last maps at the two lowest resolutions, as square roots', async () => {
  const both = await Backbone.load(await saveLayers(at('maps'), tinyLayers()));
  assert.equal(both.features, 6 + 4);
  // Two convolutions and a pointwise one, each with the bias of its folded normalization.
  assert.equal(both.parameters, 3 * 3 * 3 * 4 + 4 + (3 * 3 * 4 + 4) + (4 * 6 + 6));
});

test('a graph model has the same maps, without identities and borders; the photo itself is not a map', async () => {
  const directory = saveTinyGraph(at('graph-maps'));
  for (const [featureLevels, features] of [
    [1, 19],
    [2, 19 + 8],
    [9, 19 + 8],
  ] as const) {
    const { extractor } = await openExtractor(directory, { featureLevels });
    assert.equal(extractor.pool(tf.zeros([1, 32, 32, 3])).shape[1], features);
  }
});

test("the same photo gives the same features, whatever the network's input range", async () => {
  const expected = described(await Backbone.load(saveTinyGraph(at('range-none'), 'none')));
  for (const [kind, low, high] of [
    ['none', -1, 1],
    ['hub', 0, 1],
    ['bytes', 0, 255],
  ] as const) {
    const backbone = await Backbone.load(saveTinyGraph(at(`range-${kind}`), kind));
    assert.deepEqual(backbone.range, { low, high });
    assertClose(described(backbone), expected, 1e-4);
  }
});

test("photos are enlarged beyond the network's input size by at most half of it", async () => {
  const directory = await saveLayers(at('large'), tinyLayers(160));
  assert.equal((await Backbone.load(directory)).side, 192);
  assert.equal((await Backbone.load(directory, { side: 96 })).side, 96);
});

test('the key distinguishes whatever changes the features', async () => {
  const directory = saveTinyGraph(at('key'));
  const keyOf = async (options: BackboneOptions, folder = directory) =>
    (await Backbone.load(folder, options)).key;
  const keys = [
    await keyOf({}),
    await keyOf({ side: 64 }),
    await keyOf({ range: { low: -1, high: 1 } }),
    await keyOf({}, saveTinyGraph(at('key-other'), 'bytes')),
  ];
  assert.equal(new Set([...keys, await keyOf({})]).size, 4);
});

test('weights that were stored rounded are restored', async () => {
  const builder = new GraphModelBuilder();
  const stem = builder.fused('_FusedConv2D', 'stem', builder.photos(), [3, 3, 3, 4], 2, 'BiasAdd', 'Relu6');
  builder.pooled('pooling', stem);
  const exact = await Backbone.load(builder.save(at('exact')));
  const rounded = await Backbone.load(builder.save(at('rounded'), { quantized: true }));
  assertClose(described(rounded), described(exact), 0.02);
  assertClose(await exported(rounded), bothWays(rounded), 1e-4);
});

const WEIGHTS = 'group1-shard1of1.bin';
const outside = {
  modelTopology: { node: [{ name: 'x', op: 'Y' }] },
  weightsManifest: [{ paths: ['../x'], weights: [] }],
};

/** Folders that were spoilt, by what is written in place of a file. */
for (const [file, content, message] of [
  ['model.json', undefined, /model\.json cannot be read\. Give a folder/],
  ['model.json', '{"mod', /not valid JSON/],
  ['model.json', '{"name": "x"}', /does not describe a TensorFlow\.js model \(modelTopology: /],
  ['model.json', JSON.stringify(outside), /must be next to model\.json/],
  [WEIGHTS, 'ten bytes.', /have 10 bytes, not the \d+ of model\.json\. Download it again/],
  [WEIGHTS, undefined, /group1-shard1of1\.bin cannot be read/],
] as const)
  test(`a folder whose ${file} is ${content ?? 'missing'} is refused`, async () => {
    const directory = saveTinyGraph(at('spoilt'));
    rmSync(path.join(directory, file));
    if (content !== undefined) writeFileSync(path.join(directory, file), content);
    await refuses(directory, message);
  });

test('layers that take no square colour photos are refused', async () => {
  const photo = input({ shape: [32, 48, 3] });
  const map = applied(layers.conv2d({ filters: 2, kernelSize: 3 }), photo);
  await refuses(
    await saveLayers(at('oblong'), model({ inputs: photo, outputs: map })),
    /shape \[null,32,48,3\]/,
  );
});

const convolution =
  (op: string, attributes: Readonly<Record<string, Attribute>>) => (builder: GraphModelBuilder, x: string) =>
    builder.add(op, 'stem', [x, builder.random('kernel', [3, 3, 3, 1])], { ...spatial(1), ...attributes });

/** What comes between photo and pooling and has no exact counterpart, and what the refusal must name. */
const REFUSED: Readonly<
  Record<string, readonly [build: (builder: GraphModelBuilder, x: string) => string, message: RegExp]>
> = {
  'an operation that is not known': [
    (builder, x) => builder.add('LRN', 'contrast', [x]),
    /Layer contrast .*operation LRN is not supported; use a network of Conv2D, /,
  ],
  'an activation that is fused and not known': [
    (builder, x) => builder.fused('_FusedConv2D', 'stem', x, [3, 3, 3, 4], 2, 'BiasAdd', 'Elu'),
    /Layer stem \(_FusedConv2D\) .*fuses BiasAdd, Elu; known are BiasAdd, and Relu, Relu6/,
  ],
  'channels before the sides': [
    convolution('Conv2D', { data_format: attribute.text('NCHW') }),
    /Layer stem .*data_format/,
  ],
  'explicit padding': [
    convolution('Conv2D', { padding: attribute.text('EXPLICIT') }),
    /Layer stem .*padding \("EXPLICIT"\) is not supported/,
  ],
  'a dilated depthwise convolution': [
    convolution('DepthwiseConv2dNative', { dilations: attribute.integers([1, 2, 2, 1]) }),
    /Layer stem \(DepthwiseConv2dNative\) .*dilated/,
  ],
  'a depthwise convolution of unequal strides': [
    convolution('DepthwiseConv2dNative', { strides: attribute.integers([1, 1, 2, 1]) }),
    /Layer stem .*strides must be equal/,
  ],
  'a normalization as while training': [
    (builder, x) => {
      const moments = ['a', 'b', 'c', 'd'].map((name) => builder.random(name, [3], 0.5, 1));
      const attributes = { is_training: attribute.boolean(true) };
      return builder.add('FusedBatchNormV3', 'norm', [x, ...moments], attributes);
    },
    /Layer norm .*as in training/,
  ],
  'axes that depend on the photo': [
    (builder, x) => builder.add('Pad', 'border', [x, builder.add('Relu', 'size', [x])]),
    /Layer border \(Pad\) .*input 1 must be constant/,
  ],
  'an edge from nowhere': [
    (builder, x) => builder.add('AddV2', 'sum', [x, 'ghost']),
    /TensorFlow\.js cannot open it/,
  ],
  'a grey photo': [
    (builder) => builder.add('Relu', 'grey', [builder.photos(28, 1)]),
    /input images has the shape \[-1, 28, 28, 1\]; it must accept square colour/,
  ],
};

for (const [name, [build, message]] of Object.entries(REFUSED))
  test(`a graph with ${name} is refused when the backbone is opened, by the name of the node`, () => {
    const builder = new GraphModelBuilder();
    const photos = name === 'a grey photo' ? '' : builder.add('Relu', 'first', [builder.photos()]);
    builder.pooled('pooling', build(builder, photos));
    return refuses(builder.save(at(name)), message);
  });
