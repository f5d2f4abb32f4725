import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { input, layers, model } from '@tensorflow/tfjs-layers';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { loadBackend } from '../backend/backend.ts';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import { applied } from '../network/layers.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildFeaturesGraph } from '../savedmodel/serving-graph.ts';
import { numbersIn } from '../savedmodel/test-networks.ts';
import { assertClose, meanDifference } from '../shared/test-pictures.ts';
import { Backbone, type BackboneOptions } from './backbone.ts';
import { BackboneError } from './model-files.ts';
import {
  colouredPhotos,
  GraphModelBuilder,
  json,
  saveLayers,
  saveTinyGraph,
  tinyLayers,
} from './test-backbones.ts';

const work = temporaryFolder({ after });
const at = (name: string) => path.join(work, name);
before(() => loadBackend({ native: false }));

const photos = colouredPhotos(3, 3, 1);

const stem = (builder: GraphModelBuilder) =>
  builder.fused('_FusedConv2D', 'stem', builder.photos(), [3, 3, 3, 4], 2, 'BiasAdd', 'Relu6');

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

for (const backend of ['wasm', 'cpu']) {
  describe(`on the ${backend} backend`, () => {
    before(() => tf.setBackend(backend));
    after(() => tf.setBackend('wasm'));
    for (const [name, save] of Object.entries(BACKBONES)) {
      test(`${name} is exported as what TensorFlow.js computes`, async () => {
        const backbone = await Backbone.load(await save(name));
        const expected = bothWays(backbone);
        assert.ok(new Set(expected.map((value) => value.toFixed(3))).size > 8, 'the features differ');
        assertClose(await exported(backbone), expected, 1e-4);
        backbone.dispose();
      });
    }
  });
}

test('features are the means of the last maps at the two lowest resolutions, brought close by square roots', async () => {
  const backbone = await Backbone.load(await saveLayers(at('maps'), tinyLayers()));
  assert.equal(backbone.features, 6 + 4);
  const [first] = await Promise.all([Backbone.load(at('maps'), { featureLevels: 1 })]);
  assert.equal(first?.features, 6);
  const both = described(backbone);
  assertClose(
    described(first),
    both.filter((_, index) => index % 10 < 6),
    1e-6,
  );
});

test('a graph model has the same maps, past identities and borders', async () => {
  const directory = saveTinyGraph(at('graph-maps'));
  assert.equal((await Backbone.load(directory)).features, 19 + 8);
  assert.equal((await Backbone.load(directory, { featureLevels: 1 })).features, 19);
  assert.equal(
    (await Backbone.load(directory, { featureLevels: 9 })).features,
    19 + 8,
    'the photo itself is no map',
  );
});

test('whatever range the network takes, the same photo gives the same features', async () => {
  const [none, hub, bytes] = await Promise.all(
    (['none', 'hub', 'bytes'] as const).map((kind) =>
      Backbone.load(saveTinyGraph(at(`range-${kind}`), kind)),
    ),
  );
  assert.ok(none && hub && bytes);
  assert.deepEqual(
    [none, hub, bytes].map(({ range }) => range),
    [
      { low: -1, high: 1 },
      { low: 0, high: 1 },
      { low: 0, high: 255 },
    ],
  );
  const expected = described(none);
  assertClose(described(hub), expected, 1e-4);
  assertClose(described(bytes), expected, 1e-4);
});

test('a range that is given overrules the one that was found', async () => {
  const directory = saveTinyGraph(at('given'), 'none');
  const [usual, given] = await Promise.all([
    Backbone.load(directory),
    Backbone.load(directory, { range: { low: 0, high: 1 } }),
  ]);
  assert.ok(meanDifference(described(given), described(usual)) > 1e-3);
  assertClose(await exported(given), bothWays(given), 1e-4);
});

test('photos are enlarged beyond the side that the network was made for, by half of it or less', async () => {
  const backbone = await Backbone.load(await saveLayers(at('large'), tinyLayers(160)));
  assert.equal(backbone.side, 192);
  assert.equal((await Backbone.load(at('large'), { side: 96 })).side, 96);
});

test('the key distinguishes whatever changes the features', async () => {
  const directory = saveTinyGraph(at('key'));
  const options: BackboneOptions[] = [
    {},
    { side: 64 },
    { featureLevels: 1 },
    { range: { low: -1, high: 1 } },
  ];
  const keys = await Promise.all(options.map(async (option) => (await Backbone.load(directory, option)).key));
  const other = await Backbone.load(saveTinyGraph(at('key-other'), 'bytes'));
  assert.equal(new Set([...keys, other.key]).size, 5);
  assert.equal((await Backbone.load(directory)).key, keys[0]);
});

test('weights that were stored rounded are restored', async () => {
  const builder = new GraphModelBuilder();
  builder.mean('pooling', stem(builder));
  const exact = await Backbone.load(builder.save(at('exact')));
  const rounded = await Backbone.load(builder.save(at('rounded'), { quantized: true }));
  assertClose(described(rounded), described(exact), 0.02);
  assertClose(await exported(rounded), bothWays(rounded), 1e-4);
});

test('only the weights up to the features are counted', async () => {
  const backbone = await Backbone.load(await saveLayers(at('count'), tinyLayers()));
  // Two convolutions and a pointwise one, each with the bias of its folded normalization.
  assert.equal(backbone.parameters, 3 * 3 * 3 * 4 + 4 + (3 * 3 * 4 + 4) + (4 * 6 + 6));
});

test('describing photos leaves nothing in memory', async () => {
  for (const save of Object.values(BACKBONES)) {
    const directory = await save('memory');
    const { numTensors } = tf.memory();
    const backbone = await Backbone.load(directory);
    const loaded = tf.memory().numTensors;
    described(backbone);
    assert.equal(tf.memory().numTensors, loaded);
    backbone.dispose();
    assert.ok(tf.memory().numTensors <= numTensors + 2, `${tf.memory().numTensors - numTensors} are left`);
  }
});

const refuses = (directory: string, message: RegExp, options: BackboneOptions = {}) =>
  assert.rejects(Backbone.load(directory, options), (error) => {
    assert.ok(error instanceof BackboneError, String(error));
    assert.ok(error.message.includes(directory), 'the folder is named');
    assert.match(error.message, message);
    return true;
  });

const folder = (name: string, files: Readonly<Record<string, string | Uint8Array>>): string => {
  mkdirSync(at(name));
  for (const [file, content] of Object.entries(files)) writeFileSync(path.join(at(name), file), content);
  return at(name);
};

describe('what cannot be a backbone is refused', () => {
  test('a folder without a model', () =>
    refuses(at('nothing'), /model\.json cannot be read\. Give a folder/));

  test('a model.json that is not JSON', () =>
    refuses(folder('torn', { 'model.json': '{"mod' }), /not valid JSON/));

  test('a model.json of something else', () =>
    refuses(
      folder('other', { 'model.json': '{"name": "x"}' }),
      /does not describe a TensorFlow\.js model \(modelTopology: /,
    ));

  test('weights in another folder', () => {
    const description = {
      modelTopology: { node: [{ name: 'x', op: 'Y' }] },
      weightsManifest: [{ paths: ['../x'], weights: [] }],
    };
    return refuses(
      folder('outside', { 'model.json': JSON.stringify(description) }),
      /must be beside model\.json/,
    );
  });

  test('weights that are missing or cut short', async () => {
    const directory = saveTinyGraph(at('short'));
    const shard = path.join(directory, 'group1-shard1of1.bin');
    writeFileSync(shard, new Uint8Array(10));
    await refuses(directory, /have 10 bytes, not the \d+ of model\.json\. Fetch it again/);
    rmSync(shard);
    await refuses(directory, /group1-shard1of1\.bin cannot be read/);
  });

  test('a graph that takes no square colour photos', async () => {
    const builder = new GraphModelBuilder();
    builder.mean(
      'pooling',
      builder.fused('_FusedConv2D', 'stem', builder.photos(28, 1), [3, 3, 1, 2], 2, 'BiasAdd'),
    );
    await refuses(
      builder.save(at('grey')),
      /input images has the shape \[-1, 28, 28, 1\]; it must take square colour/,
    );
  });

  test('layers that take no square colour photos', async () => {
    const photo = input({ shape: [32, 48, 3] });
    const pooled = applied(
      layers.globalAveragePooling2d({}),
      applied(layers.conv2d({ filters: 2, kernelSize: 3 }), photo),
    );
    const directory = await saveLayers(at('oblong'), model({ inputs: photo, outputs: pooled }));
    await refuses(directory, /shape \[null,32,48,3\]/);
  });

  test('a graph with an edge from nowhere', () => {
    const builder = new GraphModelBuilder();
    builder.mean('pooling', builder.add('AddV2', 'sum', [builder.photos(), 'ghost']));
    return refuses(builder.save(at('ghost')), /TensorFlow\.js cannot open it/);
  });
});

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
    await refuses(directory, message);
  });
}
