import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { attribute, DataType, type Graph, type Node } from '../savedmodel/graph.ts';
import { translateGraph } from './export-graph.ts';
import {
  type FeatureExtractor,
  type FeatureExtractorOptions,
  findFeatureMaps,
  rangeFor,
  readPreprocessing,
  type Step,
  undoes,
  writeRange,
} from './feature-extractor.ts';
import { GraphReader, stringAttribute, windowOf } from './graph-reader.ts';
import {
  ANOTHER,
  BackboneError,
  type GraphDefNode,
  type JsonGraphDef,
  type ModelFiles,
} from './model-files.ts';

const isPlaceholder = ({ op }: GraphDefNode) => op === 'Placeholder';

/** The first input that depends on the photo. */
const mainInput = (reader: GraphReader, node: GraphDefNode): GraphDefNode | undefined =>
  reader
    .inputs(node)
    .map((input) => reader.producer(input))
    .find((producer) => producer && producer.op !== 'Const');

/** Mean or maximum over height and width. */
const isGlobalPooling = (reader: GraphReader, { op, input }: GraphDefNode): boolean => {
  if (op !== 'Mean' && op !== 'Max') return false;
  const axes = [...(reader.constant(input[1])?.values ?? [])].map((axis) => (axis + 4) % 4);
  return axes.sort().join() === '1,2';
};

const KINDS: Readonly<Record<string, Step<GraphDefNode>['kind']>> = {
  Reshape: 'vector',
  MatMul: 'vector',
  Softmax: 'vector',
  Squeeze: 'vector',
  Pad: 'border',
};

const stepOf = (reader: GraphReader, node: GraphDefNode): Step<GraphDefNode> => {
  const hasWindow =
    (node.op === 'AvgPool' || node.op === 'MaxPool') && stringAttribute(node, 'padding') === 'VALID';
  return {
    node,
    kind: isGlobalPooling(reader, node) ? 'pooling' : KINDS[node.op],
    stride: Math.max(...windowOf(node, 'strides')),
    window: hasWindow ? windowOf(node, 'ksize')[0] : undefined,
  };
};

/** The longest path from an output back to the photo. */
const mainPath = (reader: GraphReader, photos: ReadonlySet<string | undefined>): Step<GraphDefNode>[] => {
  const pathFrom = (output: GraphDefNode): GraphDefNode[] => {
    const path: GraphDefNode[] = [];
    for (
      let node: GraphDefNode | undefined = output;
      node && !photos.has(node.name);
      node = mainInput(reader, node)
    )
      path.push(node);
    return path;
  };
  return reader.nodes
    .filter((node) => node.op !== 'Const' && reader.consumers(node).length === 0)
    .map(pathFrom)
    .reduce((longest, path) => (path.length > longest.length ? path : longest), [])
    .map((node) => stepOf(reader, node));
};

/** Side of the square colour photos that the placeholder expects; our side if it is unspecified. */
const sideOf = (directory: string, { name, attr }: GraphDefNode): number => {
  const sizes = attr['shape']?.shape?.dim?.map(({ size }) => size ?? -1) ?? [];
  const [, height = 0, width, channels] = sizes;
  if (sizes.length === 4 && width === height && channels === PHOTO_CHANNELS)
    return height > 0 ? height : PHOTO_SIDE;
  throw new BackboneError(
    directory,
    `its input ${name} has the shape [${sizes.join(', ')}]; it must accept square colour photos, such as [-1, 224, 224, 3].`,
  );
};

/** Only the placeholder's declaration restricts the size of photos; convolutions work with any. */
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

/** Means over height and width of each map, concatenated. */
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
 * Opens a TensorFlow.js graph model. Its input range is determined from the graph: modules of TensorFlow Hub accept [0,
 * 1] and convert that to [-1, 1] themselves, while a graph without preprocessing is assumed to expect [-1, 1].
 *
 * @throws BackboneError if it has no feature maps, or does not accept square colour photos
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
  const preprocessing = readPreprocessing(reader, placeholder);
  const path = mainPath(reader, new Set([placeholder.name, preprocessing?.end.name]));
  const ends = findFeatureMaps(path, side).slice(0, options.featureLevels);
  if (ends.length === 0) throw new BackboneError(directory, `it has no feature maps. ${ANOTHER}`);
  const range = options.range ?? rangeFor(directory, preprocessing?.affine);
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
      // Preprocessing that only undoes our own conversion can be omitted.
      const maps =
        preprocessing && undoes(preprocessing.affine, range)
          ? translateGraph(graph, reader, ends, preprocessing.end, photos)
          : translateGraph(graph, reader, ends, placeholder, writeRange(graph, photos, range));
      return writeMeans(graph, maps);
    },
    dispose: () => model.dispose(),
  };
};
