import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { loadBackend } from '../backend/backend.ts';
import { photoTensor } from '../data/augment.ts';
import { attribute } from '../savedmodel/graph.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { Backbone } from './backbone.ts';
import { colouredPhotos, GraphModelBuilder, refuses, saveLayers, tinyLayers } from './test-backbones.ts';

/** The same small network in the makes of other people's tools. */

const work = temporaryFolder({ after });
const photos = colouredPhotos(2, 2, 1);
let expected: readonly number[];

const layerSchema = z.looseObject({
  class_name: z.string(),
  config: z.looseObject({ name: z.string() }),
  inbound_nodes: z.unknown(),
});
const modelSchema = z.object({
  modelTopology: z.object({ config: z.looseObject({ layers: z.array(layerSchema) }) }),
  weightsManifest: z.tuple([
    z.object({ paths: z.array(z.string()), weights: z.array(z.looseObject({ name: z.string() })) }),
  ]),
});
type Layer = z.infer<typeof layerSchema>;

/** The layers of the original up to its last feature map, in each format. */
interface Original {
  readonly trunk: readonly Layer[];
  readonly map: string;
}

let original: z.infer<typeof modelSchema>;
before(async () => {
  await loadBackend({ native: false });
  const directory = await saveLayers(path.join(work, 'original'), tinyLayers());
  original = modelSchema.parse(JSON.parse(readFileSync(path.join(directory, 'model.json'), 'utf8')));
  expected = await describeWith(directory);
});

const describeWith = async (directory: string): Promise<number[]> => {
  const backbone = await Backbone.load(directory, { side: 32 });
  const features = tf.tidy(() => [...backbone.extract(photoTensor(photos)).dataSync()]);
  backbone.dispose();
  return features;
};

const layer = (class_name: string, name: string, from: string[], config: object = {}): Layer => ({
  class_name,
  ...{ name, config: { name, ...config } },
  inbound_nodes: from.length === 0 ? [] : [from.map((input) => [input, 0, 0, {}])],
});
const model = (layers: readonly Layer[], output: string, class_name = 'Functional') => ({
  class_name,
  config: {
    name: 'net',
    layers,
    input_layers: [[layers[0]?.config.name, 0, 0]],
    output_layers: [[output, 0, 0]],
  },
});
const sequential = (...layers: unknown[]) => ({ class_name: 'Sequential', config: { name: 'row', layers } });
const withConfig = (
  layers: readonly Layer[],
  change: (config: Layer['config'], className: string) => object,
): Layer[] =>
  layers.map((each) => ({ ...each, config: { ...each.config, ...change(each.config, each.class_name) } }));

const keras3 = ({ trunk, map }: Original) => {
  const tensors = (nodes: unknown) =>
    z
      .array(z.array(z.tuple([z.string(), z.int(), z.int()], z.unknown())))
      .parse(nodes)
      .map((node) => ({
        args: [
          node.map((keras_history) => ({
            class_name: '__keras_tensor__',
            config: { shape: [null, 8], keras_history },
          })),
        ],
        kwargs: {},
      }));
  const layers = withConfig([...trunk, layer('GlobalAveragePooling2D', 'pool', [map])], (config) => ({
    dtype: { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null },
    ...('batch_input_shape' in config && {
      batch_shape: config['batch_input_shape'],
      batch_input_shape: undefined,
    }),
  })).map((each) => ({ ...each, module: 'keras.layers', inbound_nodes: tensors(each.inbound_nodes) }));
  const { config } = model(layers, 'pool');
  return {
    class_name: 'Functional',
    config: {
      ...config,
      input_layers: ['photo', 0, 0].with(0, layers[0]?.config.name ?? ''),
      output_layers: ['pool', 0, 0],
    },
  };
};

/** The original, and other layers after its last map. */
const followedBy =
  (...rest: (readonly [class_name: string, config?: object])[]) =>
  ({ trunk, map }: Original) => {
    const layers = rest.map(([class_name, config], index) =>
      layer(class_name, `after_${index}`, [index === 0 ? map : `after_${index - 1}`], config),
    );
    return model([...trunk, ...layers], layers.at(-1)?.config.name ?? map);
  };
const DENSE = ['Dense', { units: 4, activation: 'softmax' }] as const;
const window = { pool_size: [8, 8], strides: [8, 8], padding: 'valid' };

const MAKES: Readonly<Record<string, (original: Original) => unknown>> = {
  'batch norm with a list of axes': ({ trunk, map }) =>
    model(
      withConfig(trunk, (_, kind) => (kind === 'BatchNormalization' ? { axis: [3] } : {})),
      map,
    ),
  'Keras 3': keras3,
  'a size that is left open': ({ trunk, map }) =>
    model(
      withConfig(trunk, (config) =>
        'batch_input_shape' in config ? { batch_input_shape: [null, null, null, 3] } : {},
      ),
      map,
    ),
  'no classifier': followedBy(),
  'a window over the whole map, then Flatten': followedBy(['AveragePooling2D', window], ['Flatten'], DENSE),
  'Flatten, and nothing pooled': followedBy(['Flatten'], DENSE),
  'a largest value, then Flatten': followedBy(['GlobalMaxPooling2D'], ['Flatten'], DENSE),
  'a classifier that is a convolution': followedBy(
    ['GlobalAveragePooling2D'],
    ['Reshape', { target_shape: [1, 1, 6] }],
    ['Conv2D', { filters: 4, kernel_size: [1, 1] }],
    ['Activation', { activation: 'softmax' }],
  ),
  'a layer that is not known behind the pooling': followedBy(['GlobalAveragePooling2D'], ['TFOpLambda']),
  'networks in a network, in a row': ({ trunk, map }) =>
    sequential(
      sequential(model(trunk, map, 'Model'), {
        class_name: 'GlobalAveragePooling2D',
        config: { name: 'pool' },
      }),
      sequential({
        class_name: 'Dense',
        config: { name: 'classes', units: 4, batch_input_shape: [null, 6] },
      }),
    ),
  'a network in a network, named': ({ trunk, map }) =>
    model(
      [
        layer('InputLayer', 'outer', [], { batch_input_shape: [null, 32, 32, 3] }),
        {
          ...layer('Functional', 'inner', ['outer']),
          config: { ...model(trunk, map).config, name: 'inner' },
        },
        layer('GlobalAveragePooling2D', 'pool', ['inner']),
      ],
      'pool',
    ),
  'a rescaling first': ({ trunk: [photo, first, ...rest], map }) => {
    assert.ok(photo && first);
    const rescaling = layer('Rescaling', 'rescaling', [photo.config.name], { scale: 1 / 127.5, offset: -1 });
    const next = layer(first.class_name, first.config.name, ['rescaling'], first.config);
    return model([photo, rescaling, next, ...rest], map);
  },
};

const save = (name: string, make: (original: Original) => unknown): string => {
  const directory = path.join(work, name);
  const { layers } = original.modelTopology.config;
  const end = layers.findIndex(({ class_name }) => class_name === 'GlobalAveragePooling2D');
  const [{ weights, paths }] = original.weightsManifest;
  mkdirSync(directory);
  const modelTopology = {
    keras_version: '2.10.0',
    model_config: make({ trunk: layers.slice(0, end), map: layers[end - 1]?.config.name ?? '' }),
  };
  // Keras 3 names weights within the network, and has one name for all kernels.
  const rename = (weight: string) =>
    make === keras3 ? `net/${weight.replace('depthwise_kernel', 'kernel')}` : weight;
  const weightsManifest = [{ paths, weights: weights.map((spec) => ({ ...spec, name: rename(spec.name) })) }];
  writeFileSync(path.join(directory, 'model.json'), JSON.stringify({ modelTopology, weightsManifest }));
  for (const file of paths)
    writeFileSync(path.join(directory, file), readFileSync(path.join(work, 'original', file)));
  return directory;
};

for (const [name, make] of Object.entries(MAKES))
  test(`${name}: the same features`, async () =>
    assertClose(await describeWith(save(name, make)), expected, 1e-4));

/** Layers models of which nothing can be made, and the reason. */
const REFUSED: Readonly<Record<string, readonly [make: (original: Original) => unknown, message: RegExp]>> = {
  'a layer that is not known': [
    followedBy(['TFOpLambda']),
    /layers that are not supported \(TFOpLambda\); supported are .*tensorflowjs_converter --output_format=tfjs_graph_model/,
  ],
  'a layer that is used twice': [
    ({ trunk, map }) => {
      const twice = layer('Dense', 'classes', [map]);
      return model([...trunk, { ...twice, inbound_nodes: [[[map, 0, 0]], [[map, 0, 0]]] }], map);
    },
    /not understood \(the layer classes is used in 2 places\)/,
  ],
  'two inputs': [
    ({ trunk, map }) =>
      model([...trunk, layer('InputLayer', 'age', [], { batch_input_shape: [null, 1] })], map),
    /it has 2 inputs; photos must be its only input/,
  ],
  'no feature maps': [
    ({ trunk: [photo] }) =>
      followedBy(['Flatten'], DENSE)({ trunk: photo ? [photo] : [], map: photo?.config.name ?? '' }),
    /it has no feature maps/,
  ],
  'a weight that is not there': [
    followedBy(['Conv2D', { filters: 2, kernel_size: [1, 1] }]),
    /there is no weight after_0\/kernel/,
  ],
  'something else': [() => ({ class_name: 'Model', config: {} }), /not understood/],
};

for (const [name, [make, message]] of Object.entries(REFUSED))
  test(`${name} is refused with the folder and the reason`, () => refuses(save(name, make), message));

type Ending = (builder: GraphModelBuilder, map: string) => string;
const covering = (op: string): Ending => {
  const attributes = { ksize: attribute.integers([1, 16, 16, 1]), padding: attribute.text('VALID') };
  return (builder, map) => builder.add(op, 'pool', [map], attributes);
};
const logits = (builder: GraphModelBuilder, x: string, width: number) =>
  builder.add('MatMul', 'logits', [
    builder.add('Reshape', 'flat', [x, builder.integers('shape', [-1, width])]),
    builder.random('kernel', [width, 4]),
  ]);

/** What may come after the last map of a graph. */
const ENDINGS: Readonly<Record<string, Ending>> = {
  'a mean over the map': (builder, map) => builder.pooled('pool', map),
  'a window over the whole map': covering('AvgPool'),
  'the largest in the whole map': covering('MaxPool'),
  'largest values over the sides': (builder, map) =>
    builder.add('Max', 'pool', [map, builder.integers('axes', [1, 2])]),
  'a vector, and nothing pooled': (_, map) => map,
};

const withMap = (name: string, end: (builder: GraphModelBuilder, map: string) => void, side?: number) => {
  const builder = new GraphModelBuilder();
  const photos = builder.photos(side);
  end(builder, builder.fused('_FusedConv2D', 'map', photos, [3, 3, 3, 4], 2, 'BiasAdd', 'Relu6'));
  return builder.save(path.join(work, name));
};

for (const [name, end] of Object.entries(ENDINGS))
  test(`a graph that ends in ${name}: the features are the means of its last map`, async () => {
    const plain = await describeWith(withMap('no classifier', () => {}));
    assert.equal(plain.length, 2 * 4);
    const directory = withMap(name, (builder, map) => {
      const pooled = end(builder, map);
      logits(builder, pooled, pooled === map ? 4 * 16 * 16 : 4);
    });
    assertClose(await describeWith(directory), plain, 1e-6);
  });

test('a graph with an open input size takes our photos', async () =>
  assert.equal((await Backbone.load(withMap('open', () => {}, -1))).side, 256));

type Steps = readonly (readonly [op: string, values: number[]])[];

const withSteps = (name: string, steps: Steps): string => {
  const builder = new GraphModelBuilder();
  const end = steps.reduce(
    (x, [op, values], index) => builder.add(op, `step${index}`, [x, builder.values(`y${index}`, values)]),
    builder.photos(),
  );
  builder.pooled('pool', builder.fused('_FusedConv2D', 'map', end, [3, 3, 3, 4], 2, 'BiasAdd', 'Relu6'));
  return builder.save(path.join(work, name));
};

const DEVIATIONS: Steps = [
  ['Sub', [0.485, 0.456, 0.406]],
  ['RealDiv', [0.229, 0.224, 0.225]],
];

/** What graphs do to photos of one range first, and that range. */
const STEPS: Readonly<Record<string, readonly [steps: Steps, low: number, high: number]>> = {
  'means of bytes': [[['Sub', [103.939, 116.779, 123.68]]], 0, 255],
  'means and deviations': [DEVIATIONS, 0, 1],
  'bytes, means and deviations': [[['Mul', [1 / 255]], ...DEVIATIONS], 0, 255],
  'bytes brought to shares': [[['Mul', [1 / 255]]], 0, 255],
};

for (const [name, [steps, low, high]] of Object.entries(STEPS))
  test(`a graph that begins with ${name} takes ${low} to ${high}`, async () =>
    assert.deepEqual((await Backbone.load(withSteps(name, steps))).range, { low, high }));

test('values that fit no range are refused, naming the option', async () => {
  const directory = withSteps('odd', [['Sub', [40, 40, 40]]]);
  await assert.rejects(Backbone.load(directory), {
    message: /preprocessing is not understood\. .* --range LOW,HIGH, such as 0,255 .*pretrained-range/,
  });
  const range = { low: 0, high: 80 };
  assert.deepEqual((await Backbone.load(directory, { range })).range, range);
});
