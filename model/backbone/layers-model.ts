import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, loadLayersModel, model } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { applied } from '../network/layers.ts';
import { exportLayers } from '../savedmodel/export-layers.ts';
import { layerExporters } from '../savedmodel/layer-exporters.ts';
import {
  type FeatureExtractor,
  type FeatureExtractorOptions,
  findFeatureMaps,
  type InputRange,
  rangeFor,
  type Step,
  SYMMETRIC,
  writeRange,
} from './feature-extractor.ts';
import { type KerasNetwork, kerasTopology, readKerasNetwork, upTo } from './keras-topology.ts';
import { ANOTHER, AS_GRAPH, BackboneError, type ModelFiles } from './model-files.ts';

const shapeSchema = z.array(z.int().nullable());
const sides = z.union([z.int(), z.array(z.int()).transform(([height = 1]) => height)]);
const stridesSchema = z.looseObject({ strides: sides }).transform(({ strides }) => strides);
const windowSchema = z
  .looseObject({ pool_size: sides, padding: z.literal('valid') })
  .transform(({ pool_size }) => pool_size);
const rescalingSchema = z.looseObject({ scale: z.number(), offset: z.number().default(0) });

const KINDS: Readonly<Record<string, Step<string>['kind']>> = {
  GlobalAveragePooling2D: 'pooling',
  GlobalMaxPooling2D: 'pooling',
  Flatten: 'vector',
  ZeroPadding2D: 'border',
};

/** The path from the last layer back to the photo, along the first input of each. */
const mainPath = ({ layers, output }: KerasNetwork): Step<string>[] => {
  const byName = new Map(layers.map((layer) => [layer.config.name, layer]));
  const path: Step<string>[] = [];
  for (
    let layer = byName.get(output);
    layer && layer.className !== 'InputLayer';
    layer = byName.get(layer.inputs[0] ?? '')
  )
    path.push({
      node: layer.config.name,
      kind: KINDS[layer.className],
      stride: stridesSchema.safeParse(layer.config).data ?? 1,
      window: windowSchema.safeParse(layer.config).data,
    });
  return path;
};

/** Side of the photos that the network expects; our side if it is unspecified. */
const sideOf = (directory: string, { layers }: KerasNetwork): number => {
  const inputs = layers.filter(({ className }) => className === 'InputLayer');
  const shape = shapeSchema.safeParse(inputs[0]?.config['batch_input_shape']).data ?? [];
  const [, height, width, channels] = shape;
  if (inputs.length === 1 && shape.length === 4 && width === height && channels === PHOTO_CHANNELS)
    return height ?? PHOTO_SIDE;
  throw new BackboneError(
    directory,
    inputs.length > 1
      ? `it has ${inputs.length} inputs; photos must be its only input.`
      : `its input has the shape ${JSON.stringify(shape)}; it must accept square colour photos, such as [null, 224, 224, 3].`,
  );
};

/** A network without its initial rescaling, and the values that it then expects for black and white. */
const withoutRescaling = (
  directory: string,
  { layers, output }: KerasNetwork,
  range: InputRange | undefined,
): { readonly network: KerasNetwork; readonly range: InputRange } => {
  const first = layers.find(
    ({ className, inputs }) => className === 'Rescaling' && inputs[0] === layers[0]?.config.name,
  );
  const rescaling = first && rescalingSchema.safeParse(first.config).data;
  if (!first || !rescaling) return { network: { layers, output }, range: range ?? SYMMETRIC };
  const photos = range ?? rangeFor(directory, [rescaling]);
  const input = first.inputs[0] ?? '';
  const rest = layers
    .filter((layer) => layer !== first)
    .map((layer) => ({
      ...layer,
      inputs: layer.inputs.map((name) => (name === first.config.name ? input : name)),
    }));
  const rescaled = (value: number) => value * rescaling.scale + rescaling.offset;
  return {
    network: { layers: rest, output },
    range: { low: rescaled(photos.low), high: rescaled(photos.high) },
  };
};

/** Only the input's declaration restricts the size of photos; convolutions work with any. */
const ofAnySide = ({ layers, output }: KerasNetwork): KerasNetwork => ({
  layers: layers.map((layer) => {
    if (layer.config['batch_input_shape'] === undefined) return layer;
    return { ...layer, config: { ...layer.config, batch_input_shape: [null, null, null, PHOTO_CHANNELS] } };
  }),
  output,
});

const KNOWN = new Set([...layerExporters.keys(), 'BatchNormalization']);

/** Weight names without the prefixes of different converters, and with Keras 2's name of this kernel. */
const weightKeys = (name: string): string[] => {
  const [layer = '', weight = ''] = name.replace(/:0$/, '').split('/').slice(-2);
  return [`${layer}/${weight}`, ...(weight === 'kernel' ? [`${layer}/depthwise_kernel`] : [])];
};

const loadWeights = (network: LayersModel, { weightData, weightSpecs }: ModelFiles): void =>
  tf.tidy(() => {
    const found = new Map(
      Object.entries(tf.io.decodeWeights(weightData, weightSpecs)).flatMap(([name, value]) =>
        weightKeys(name).map((key) => [key, value] as const),
      ),
    );
    for (const weight of network.weights) {
      const value = weightKeys(weight.originalName).flatMap((key) => found.get(key) ?? [])[0];
      if (!value) throw new Error(`there is no weight ${weight.originalName}`);
      weight.write(value);
    }
  });

const load = async (files: ModelFiles, network: KerasNetwork): Promise<LayersModel> => {
  const { directory } = files;
  const unknown = new Set(
    network.layers.map(({ className }) => className).filter((name) => !KNOWN.has(name)),
  );
  if (unknown.size > 0) {
    throw new BackboneError(
      directory,
      `it has layers that are not supported (${[...unknown].join(', ')}); supported are ${[...KNOWN].join(', ')}. ${AS_GRAPH}`,
    );
  }
  try {
    const opened = await loadLayersModel(
      tf.io.fromMemory({ modelTopology: kerasTopology(ofAnySide(network)) }),
    );
    loadWeights(opened, files);
    return opened;
  } catch (cause) {
    throw BackboneError.because(directory, 'TensorFlow.js cannot open it', cause, AS_GRAPH);
  }
};

/** The network up to the means of its feature maps, concatenated. */
const cut = (network: LayersModel, maps: readonly string[]): LayersModel => {
  const means = maps.map((map, index) =>
    applied(layers.globalAveragePooling2d({ name: `pooled_${index}` }), network.getLayer(map).output),
  );
  const [only, ...more] = means;
  const pooled = only && more.length === 0 ? only : applied(layers.concatenate({ name: 'pooled' }), means);
  return model({ inputs: network.inputs, outputs: pooled, name: 'feature-extractor' });
};

const readNetwork = ({ directory, topology }: ModelFiles): KerasNetwork => {
  try {
    return readKerasNetwork(topology);
  } catch (cause) {
    throw BackboneError.because(directory, 'its layers are not understood', cause, AS_GRAPH);
  }
};

/**
 * Opens a TensorFlow.js layers model, such as one converted from Keras, up to its last feature map. Most such models do
 * not say which range they expect; MobileNet's is [-1, 1].
 *
 * @throws BackboneError if it has no feature maps, has unsupported layers, or does not accept square colour photos
 */
export const openLayersModel = async (
  files: ModelFiles,
  options: FeatureExtractorOptions,
): Promise<FeatureExtractor> => {
  const { directory } = files;
  const whole = readNetwork(files);
  const side = sideOf(directory, whole);
  const { network: described, range } = withoutRescaling(directory, whole, options.range);
  const maps = findFeatureMaps(mainPath(described), side).slice(0, options.featureLevels);
  const [last] = maps;
  if (last === undefined) throw new BackboneError(directory, `it has no feature maps. ${ANOTHER}`);
  const network = await load(files, upTo(described, last));
  const extractor = cut(network, maps);
  return {
    side,
    range,
    pool: (photos) =>
      tf.tidy(() => {
        const pooled = extractor.apply(photos, { training: false });
        if (!(pooled instanceof tf.Tensor)) throw new Error('The feature extractor must have one output.');
        return tf.reshape<tf.Rank.R2>(pooled, [photos.shape[0], -1]);
      }),
    write: (graph, photos) => exportLayers(graph, extractor, writeRange(graph, photos, range)).logits,
    dispose: () => network.dispose(),
  };
};
