import * as tf from '@tensorflow/tfjs-core';
import {
  type LayersModel,
  layers,
  loadLayersModel,
  model,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { applied } from '../network/layers.ts';
import { exportLayers } from '../savedmodel/export-layers.ts';
import { layerExporters } from '../savedmodel/layer-exporters.ts';
import {
  coversMap,
  type FeatureExtractor,
  type FeatureExtractorOptions,
  type InputRange,
  rangeFor,
  SYMMETRIC,
  writeRange,
} from './feature-extractor.ts';
import {
  type KerasLayer,
  type KerasNetwork,
  kerasTopology,
  readKerasNetwork,
  upTo,
} from './keras-topology.ts';
import { ANOTHER, AS_GRAPH, BackboneError, type ModelFiles, UNKNOWN_RANGE } from './model-files.ts';

type Layer = LayersModel['layers'][number];

const shapeSchema = z.array(z.int().nullable());
const sides = z.union([z.int(), z.array(z.int()).transform(([height = 1]) => height)]);
const stridesSchema = z.looseObject({ strides: sides }).transform(({ strides }) => strides);
const windowSchema = z.looseObject({ pool_size: sides, padding: z.literal('valid') });
const rescalingSchema = z.looseObject({ scale: z.number(), offset: z.number().default(0) });

const POOLINGS = new Set(['GlobalAveragePooling2D', 'GlobalMaxPooling2D', 'Flatten']);
/** Layers between two poolings that have no feature map to give. */
const BETWEEN = new Set([...POOLINGS, 'Dense', 'Dropout', 'Reshape', 'BatchNormalization', 'Activation']);
const WINDOWS = new Set(['AveragePooling2D', 'MaxPooling2D']);

/** From the last layer back to the photo, along the first input of each. */
const mainPath = ({ layers, output }: KerasNetwork): KerasLayer[] => {
  const byName = new Map(layers.map((layer) => [layer.config.name, layer]));
  const path: KerasLayer[] = [];
  for (let layer = byName.get(output); layer; layer = byName.get(layer.inputs[0] ?? '')) path.push(layer);
  return path;
};

/** @param before what the photo went through, backwards */
const isWholeMap = (
  { className, config }: KerasLayer,
  before: readonly KerasLayer[],
  side: number,
): boolean => {
  const window = WINDOWS.has(className) ? windowSchema.safeParse(config).data : undefined;
  const strides = before.map((layer) => stridesSchema.safeParse(layer.config).data ?? 1);
  return window !== undefined && coversMap(window.pool_size, side, strides);
};

/**
 * The layer whose output is the last feature map: the one before the global pooling, whatever comes after that, or the
 * last of all where the classifier was left out.
 */
const lastFeatureMap = (network: KerasNetwork, side: number): string => {
  const path = mainPath(network);
  const isPooling = ({ className }: KerasLayer) => POOLINGS.has(className);
  let end = path.findIndex(isPooling) + 1;
  const isPassed = (layer: KerasLayer) =>
    (BETWEEN.has(layer.className) && path.slice(end).some(isPooling)) ||
    isWholeMap(layer, path.slice(end + 1), side);
  for (let layer = path[end]; layer && isPassed(layer); layer = path[end]) end += 1;
  return path[end]?.config.name ?? network.output;
};

/** Side of the photos that the network is made for; ours, where it is left open. */
const sideOf = (directory: string, { layers }: KerasNetwork): number => {
  const inputs = layers.filter(({ className }) => className === 'InputLayer');
  const shape = shapeSchema.safeParse(inputs[0]?.config['batch_input_shape']).data ?? [];
  const [, height, width, channels] = shape;
  if (inputs.length === 1 && shape.length === 4 && width === height && channels === PHOTO_CHANNELS)
    return height ?? PHOTO_SIDE;
  throw new BackboneError(
    directory,
    inputs.length > 1
      ? `it has ${inputs.length} inputs; it must take photos alone.`
      : `its input has the shape ${JSON.stringify(shape)}; it must take square colour photos, such as [null, 224, 224, 3].`,
  );
};

/** A network without the rescaling that it begins with, and what it then wants black and white to be. */
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
  const photos = range ?? rangeFor({ scale: [rescaling.scale], offset: [rescaling.offset] });
  if (!photos) throw new BackboneError(directory, UNKNOWN_RANGE);
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

/** Convolutions do not mind the size of a photo; only the input's declaration does. */
const ofAnySide = ({ layers, output }: KerasNetwork): KerasNetwork => ({
  layers: layers.map((layer) => {
    if (layer.config['batch_input_shape'] === undefined) return layer;
    return { ...layer, config: { ...layer.config, batch_input_shape: [null, null, null, PHOTO_CHANNELS] } };
  }),
  output,
});

const KNOWN = new Set([...layerExporters.keys(), 'BatchNormalization']);

/** What converters add before the names of a layer and its weight differs; so does Keras 3's name of this kernel. */
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
      `it has layers that are not supported (${[...unknown].join(', ')}); known are ${[...KNOWN].join(', ')}. ${AS_GRAPH}`,
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

/** The output of the layer before; of several, the first. */
const mainInput = (layer: Layer): SymbolicTensor | undefined => layer.inboundNodes[0]?.inputTensors[0];

const halves = (layer: Layer): boolean => (stridesSchema.safeParse(layer.getConfig()).data ?? 1) > 1;

/** What is between two resolutions has the lower one, but for the border that is put around a map before it is halved. */
const unpadded = (map: SymbolicTensor): SymbolicTensor =>
  map.sourceLayer.getClassName() === 'ZeroPadding2D' ? (mainInput(map.sourceLayer) ?? map) : map;

const isPhoto = (map: SymbolicTensor): boolean => map.sourceLayer.getClassName() === 'InputLayer';

/** The last feature map at each resolution, from the last of all back to the photo. */
const lastFeatureMapPerResolution = (last: SymbolicTensor): SymbolicTensor[] => {
  const maps = [last];
  for (let map: SymbolicTensor | undefined = last; map && !isPhoto(map); ) {
    const input = mainInput(map.sourceLayer);
    if (input && halves(map.sourceLayer)) maps.push(unpadded(input));
    map = input;
  }
  return maps.filter((map) => !isPhoto(map));
};

/** The network up to the means of its feature maps, side by side. */
const cut = (network: LayersModel, maps: readonly SymbolicTensor[]): LayersModel => {
  const means = maps.map((map, index) =>
    applied(layers.globalAveragePooling2d({ name: `pooled_${index}` }), map),
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
 * not say which values they want their photos to have; MobileNet's want [-1, 1].
 *
 * @throws BackboneError when it has no feature maps, layers that are not supported, or takes no square colour photos
 */
export const openLayersModel = async (
  files: ModelFiles,
  options: FeatureExtractorOptions,
): Promise<FeatureExtractor> => {
  const { directory } = files;
  const whole = readNetwork(files);
  const side = sideOf(directory, whole);
  const upToMap = upTo(whole, lastFeatureMap(whole, side));
  const { network: described, range } = withoutRescaling(directory, upToMap, options.range);
  const network = await load(files, described);
  const [last] = network.outputs;
  const maps = last?.rank === 4 ? lastFeatureMapPerResolution(last) : [];
  if (maps.length === 0) {
    throw new BackboneError(directory, `it has no feature maps. ${ANOTHER}`);
  }
  const extractor = cut(network, maps.slice(0, options.featureLevels));
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
