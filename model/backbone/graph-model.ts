import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import { attribute, DataType, type Graph, type Node } from '../savedmodel/graph.ts';
import { translateGraph } from './export-graph.ts';
import {
  type FeatureExtractor,
  type FeatureExtractorOptions,
  type InputRange,
  type Preprocessing,
  rangeFor,
  readPreprocessing,
  undoes,
  writeRange,
} from './feature-extractor.ts';
import { GraphReader, NodeAttributes } from './graph-reader.ts';
import { BackboneError, type GraphDefNode, type JsonGraphDef, type ModelFiles } from './model-files.ts';

const isPlaceholder = ({ op }: GraphDefNode) => op === 'Placeholder';

/** Mean over height and width. */
const isGlobalPooling = (reader: GraphReader, node: GraphDefNode): boolean => {
  const axes = node.op === 'Mean' ? reader.constant(node.input[1])?.values : undefined;
  return (
    axes !== undefined &&
    [...axes]
      .map((axis) => (axis + 4) % 4)
      .sort()
      .join() === '1,2'
  );
};

/** The input that depends on the photo; of two such, the first. */
const mainInput = (reader: GraphReader, node: GraphDefNode): GraphDefNode | undefined =>
  reader
    .inputs(node)
    .map((input) => reader.producer(input))
    .find((producer) => producer && producer.op !== 'Const');

/** What is between two resolutions has the lower one, but for the border that is put around a map before it is halved. */
const unpadded = (reader: GraphReader, node: GraphDefNode): GraphDefNode =>
  node.op === 'Pad' ? (mainInput(reader, node) ?? node) : node;

const halves = (node: GraphDefNode): boolean =>
  node.attr['strides'] !== undefined &&
  new NodeAttributes(node).window('strides').some((stride) => stride > 1);

/** The last feature map at each resolution, from the pooling back to the photo. */
const lastFeatureMapPerResolution = (reader: GraphReader, pooling: GraphDefNode): GraphDefNode[] => {
  const last = mainInput(reader, pooling);
  const maps = last ? [last] : [];
  for (let node = last; node && !isPlaceholder(node); ) {
    const input = mainInput(reader, node);
    if (input && halves(node)) maps.push(unpadded(reader, input));
    node = input;
  }
  return maps;
};

/** Side of the square colour photos that the placeholder is made for. */
const sideOf = (directory: string, { name, attr }: GraphDefNode): number => {
  const sizes = attr['shape']?.shape?.dim?.map(({ size }) => size ?? -1) ?? [];
  const [, height = 0, width, channels] = sizes;
  if (sizes.length === 4 && height > 0 && width === height && channels === PHOTO_CHANNELS) return height;
  throw new BackboneError(
    directory,
    `its input ${name} has the shape [${sizes.join(', ')}]; it must take square colour photos, such as [-1, 224, 224, 3].`,
  );
};

/** Convolutions do not mind the size of a photo; only the placeholder's declaration does. */
const ofAnySide = (topology: JsonGraphDef, placeholder: GraphDefNode): JsonGraphDef => {
  const shape = { shape: { dim: [-1, -1, -1, PHOTO_CHANNELS].map((size) => ({ size })) } };
  const open = { ...placeholder, attr: { ...placeholder.attr, shape } };
  return { ...topology, node: topology.node.map((node) => (node === placeholder ? open : node)) };
};

const loadModel = async (directory: string, artifacts: tf.io.ModelArtifacts): Promise<GraphModel> => {
  try {
    return await loadGraphModel(tf.io.fromMemory(artifacts));
  } catch (cause) {
    throw BackboneError.unopened(directory, cause);
  }
};

const rangeOf = (
  directory: string,
  preprocessing: Preprocessing | undefined,
  range: InputRange | undefined,
): InputRange => {
  const known = range ?? (preprocessing && rangeFor(preprocessing));
  if (known) return known;
  throw new BackboneError(
    directory,
    'what it does to its photos first is not known here. Say which values it wants black and white to have.',
  );
};

/** Means over height and width of each map, side by side. */
const writeMeans = (graph: Graph, maps: readonly Node[]): Node => {
  const means = maps.map((map, index) => graph.mean(`pooled/${index}`, map, [1, 2]));
  const [only, ...more] = means;
  if (only !== undefined && more.length === 0) return only;
  return graph.float('ConcatV2', 'pooled', [...means, graph.integers('pooled/axis', [1], [])], {
    N: attribute.integer(means.length),
    Tidx: attribute.type(DataType.int32),
  });
};

/**
 * Opens a TensorFlow.js graph model. How it wants its photos is read from the graph: modules of TensorFlow Hub take
 * [0, 1] and turn that into [-1, 1] themselves, while a graph without any preprocessing takes [-1, 1].
 *
 * @throws BackboneError when it has no global pooling, or takes no square colour photos
 */
export const openGraphModel = async (
  { directory, weightData, weightSpecs }: ModelFiles,
  topology: JsonGraphDef,
  options: FeatureExtractorOptions,
): Promise<FeatureExtractor> => {
  const reader = new GraphReader(topology, weightData, weightSpecs);
  const placeholder = reader.nodes.find(isPlaceholder);
  const pooling = reader.nodes.findLast((node) => isGlobalPooling(reader, node));
  if (!placeholder || !pooling) {
    throw new BackboneError(
      directory,
      `it has no ${placeholder ? 'global pooling (Mean over height and width)' : 'Placeholder for photos'}. Use a network for image classification, such as MobileNet.`,
    );
  }
  const preprocessing = readPreprocessing(reader, placeholder);
  const range = rangeOf(directory, preprocessing, options.range);
  const photos = new Set([placeholder.name, preprocessing?.end.name]);
  const ends = lastFeatureMapPerResolution(reader, pooling)
    .filter(({ name }) => !photos.has(name))
    .slice(0, options.featureLevels);
  const names = ends.map(({ name }) => name);
  const modelTopology = ofAnySide(topology, placeholder);
  const model = await loadModel(directory, { modelTopology, weightSpecs, weightData });
  return {
    side: sideOf(directory, placeholder),
    range,
    pool: (photos) =>
      tf.tidy(() => {
        const maps = [model.execute(photos, names)].flat();
        return tf.concat2d(
          maps.map((map) => tf.mean<tf.Tensor2D>(map, [1, 2])),
          1,
        );
      }),
    write: (graph, photos) => {
      // What the graph does to its photos first need not be written where it only undoes what would be done for it.
      const maps =
        preprocessing && undoes(preprocessing, range)
          ? translateGraph(graph, reader, ends, preprocessing.end, photos)
          : translateGraph(graph, reader, ends, placeholder, writeRange(graph, photos, range));
      return writeMeans(graph, maps);
    },
    dispose: () => model.dispose(),
  };
};
