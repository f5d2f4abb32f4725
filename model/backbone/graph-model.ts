import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { attribute, DataType, type Graph, type Node } from '../savedmodel/graph.ts';
import { translateGraph } from './export-graph.ts';
import {
  coversMap,
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
import {
  ANOTHER,
  BackboneError,
  type GraphDefNode,
  type JsonGraphDef,
  type ModelFiles,
  UNKNOWN_RANGE,
} from './model-files.ts';

const isPlaceholder = ({ op }: GraphDefNode) => op === 'Placeholder';

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

/** From a node back to the photo. */
const mainPath = (reader: GraphReader, end: GraphDefNode): GraphDefNode[] => {
  const path: GraphDefNode[] = [];
  for (let node: GraphDefNode | undefined = end; node && !isPlaceholder(node); node = mainInput(reader, node))
    path.push(node);
  return path;
};

const stride = (node: GraphDefNode): number =>
  node.attr['strides'] ? new NodeAttributes(node).window('strides')[0] : 1;

/** Mean or largest value over height and width, also by a window that covers the whole map. */
const isGlobalPooling = (reader: GraphReader, node: GraphDefNode, side: number): boolean => {
  if (node.op === 'Mean' || node.op === 'Max') {
    const axes = [...(reader.constant(node.input[1])?.values ?? [])];
    return (
      axes
        .map((axis) => (axis + 4) % 4)
        .sort()
        .join() === '1,2'
    );
  }
  if (node.op !== 'AvgPool' && node.op !== 'MaxPool') return false;
  const attributes = new NodeAttributes(node);
  const strides = mainPath(reader, node).slice(1).map(stride);
  return attributes.text('padding') === 'VALID' && coversMap(attributes.window('ksize')[0], side, strides);
};

/** What gives a vector. */
const VECTORS = new Set(['Reshape', 'MatMul', 'Softmax', 'Squeeze']);

/**
 * The last feature map: before the global pooling, whatever comes after that; before the map is made a vector, where
 * none is pooled; the output, where the classifier was left out.
 */
const lastFeatureMap = (reader: GraphReader, side: number): GraphDefNode | undefined => {
  const pooling = reader.nodes.findLast((node) => isGlobalPooling(reader, node, side));
  if (pooling) return mainInput(reader, pooling);
  const output = reader.nodes.findLast((node) => node.op !== 'Const' && reader.consumers(node).length === 0);
  const path = output ? mainPath(reader, output) : [];
  const flattened = path.findLastIndex(({ op }) => VECTORS.has(op));
  return path[flattened + 1];
};

/** The last feature map at each resolution, from the last of all back to the photo. */
const lastFeatureMapPerResolution = (reader: GraphReader, last: GraphDefNode): GraphDefNode[] => {
  const maps = [last];
  for (let node: GraphDefNode | undefined = last; node && !isPlaceholder(node); ) {
    const input = mainInput(reader, node);
    if (input && halves(node)) maps.push(unpadded(reader, input));
    node = input;
  }
  return maps;
};

/** Side of the square colour photos that the placeholder is made for; ours, where it is left open. */
const sideOf = (directory: string, { name, attr }: GraphDefNode): number => {
  const sizes = attr['shape']?.shape?.dim?.map(({ size }) => size ?? -1) ?? [];
  const [, height = 0, width, channels] = sizes;
  if (sizes.length === 4 && width === height && channels === PHOTO_CHANNELS)
    return height > 0 ? height : PHOTO_SIDE;
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
    throw BackboneError.because(directory, 'TensorFlow.js cannot open it', cause);
  }
};

const rangeOf = (
  directory: string,
  preprocessing: Preprocessing | undefined,
  range: InputRange | undefined,
): InputRange => {
  const known = range ?? (preprocessing && rangeFor(preprocessing));
  if (known) return known;
  throw new BackboneError(directory, UNKNOWN_RANGE);
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
 * @throws BackboneError when it has no feature maps, or takes no square colour photos
 */
export const openGraphModel = async (
  { directory, weightData, weightSpecs }: ModelFiles,
  topology: JsonGraphDef,
  options: FeatureExtractorOptions,
): Promise<FeatureExtractor> => {
  const reader = new GraphReader(topology, weightData, weightSpecs);
  const placeholder = reader.nodes.find(isPlaceholder);
  if (!placeholder) throw new BackboneError(directory, `it has no Placeholder for photos. ${ANOTHER}`);
  const side = sideOf(directory, placeholder);
  const last = lastFeatureMap(reader, side);
  if (!last || isPlaceholder(last)) throw new BackboneError(directory, `it has no feature maps. ${ANOTHER}`);
  const preprocessing = readPreprocessing(reader, placeholder);
  const range = rangeOf(directory, preprocessing, options.range);
  const photos = new Set([placeholder.name, preprocessing?.end.name]);
  const ends = lastFeatureMapPerResolution(reader, last)
    .filter(({ name }) => !photos.has(name))
    .slice(0, options.featureLevels);
  const names = ends.map(({ name }) => name);
  const modelTopology = ofAnySide(topology, placeholder);
  const model = await loadModel(directory, { modelTopology, weightSpecs, weightData });
  return {
    side,
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
