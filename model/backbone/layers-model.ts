import * as tf from '@tensorflow/tfjs-core';
import {
  type LayersModel,
  layers,
  loadLayersModel,
  model,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import { applied } from '../network/layers.ts';
import { exportLayers } from '../savedmodel/export-layers.ts';
import {
  type FeatureExtractor,
  type FeatureExtractorOptions,
  SYMMETRIC,
  writeRange,
} from './feature-extractor.ts';
import { BackboneError, type ModelFiles } from './model-files.ts';

type Layer = LayersModel['layers'][number];

/** Keras writes the one, older TensorFlow.js the other. */
const INPUT_SHAPES = new Set(['batch_input_shape', 'batchInputShape', 'batch_shape']);
const shapeSchema = z.array(z.int().nullable());
const record = z.record(z.string(), z.unknown());
const stridesSchema = z.looseObject({ strides: z.union([z.int(), z.array(z.int())]) });

/** Convolutions do not mind the size of a photo; only the input's declaration does. Collects what was declared. */
const ofAnySide = (json: unknown, declared: (number | null)[][]): unknown => {
  if (Array.isArray(json)) return json.map((item) => ofAnySide(item, declared));
  const entries = record.safeParse(json);
  if (!entries.success) return json;
  return Object.fromEntries(
    Object.entries(entries.data).map(([key, value]) => {
      const shape = INPUT_SHAPES.has(key) ? shapeSchema.safeParse(value) : undefined;
      if (!shape?.success) return [key, ofAnySide(value, declared)];
      declared.push(shape.data);
      return [key, [null, null, null, shape.data.at(-1) ?? null]];
    }),
  );
};

const sideOf = (directory: string, [shape = []]: readonly (number | null)[][]): number => {
  const [, height, width, channels] = shape;
  if (shape.length === 4 && height && width === height && channels === PHOTO_CHANNELS) return height;
  throw new BackboneError(
    directory,
    `its input has the shape ${JSON.stringify(shape)}; it must take square colour photos, such as [null, 224, 224, 3].`,
  );
};

const loadModel = async (directory: string, artifacts: tf.io.ModelArtifacts): Promise<LayersModel> => {
  try {
    return await loadLayersModel(tf.io.fromMemory(artifacts));
  } catch (cause) {
    throw BackboneError.unopened(directory, cause);
  }
};

/** The output of the layer before; of several, the first. */
const mainInput = (layer: Layer): SymbolicTensor | undefined => layer.inboundNodes[0]?.inputTensors[0];

const halves = (layer: Layer): boolean => {
  const { data } = stridesSchema.safeParse(layer.getConfig());
  return data !== undefined && [data.strides].flat().some((stride) => stride > 1);
};

/** What is between two resolutions has the lower one, but for the border that is put around a map before it is halved. */
const unpadded = (map: SymbolicTensor): SymbolicTensor =>
  map.sourceLayer.getClassName() === 'ZeroPadding2D' ? (mainInput(map.sourceLayer) ?? map) : map;

const isPhoto = (map: SymbolicTensor): boolean => map.sourceLayer.getClassName() === 'InputLayer';

/** The last feature map at each resolution, from the pooling back to the photo. */
const lastFeatureMapPerResolution = (pooling: Layer): SymbolicTensor[] => {
  const last = mainInput(pooling);
  const maps = last ? [last] : [];
  for (let map = last; map && !isPhoto(map); ) {
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

/**
 * Opens a TensorFlow.js layers model, such as one converted from Keras. Such a model does not say which values it wants
 * its photos to have; MobileNet's want [-1, 1].
 *
 * @throws BackboneError when it has no global pooling, or takes no square colour photos
 */
export const openLayersModel = async (
  { directory, topology, weightData, weightSpecs }: ModelFiles,
  options: FeatureExtractorOptions,
): Promise<FeatureExtractor> => {
  const declared: (number | null)[][] = [];
  const modelTopology = record.parse(ofAnySide(topology, declared));
  const side = sideOf(directory, declared);
  const network = await loadModel(directory, { modelTopology, weightData, weightSpecs });
  const pooling = network.layers.findLast((layer) => layer.getClassName() === 'GlobalAveragePooling2D');
  if (!pooling) {
    throw new BackboneError(
      directory,
      'it has no global pooling (GlobalAveragePooling2D). Use a network for image classification, such as MobileNet.',
    );
  }
  const extractor = cut(network, lastFeatureMapPerResolution(pooling).slice(0, options.featureLevels));
  const range = options.range ?? SYMMETRIC;
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
