import { type Accuracy, type Catalogue, labelNames, labelWords } from '../contract/catalogue.ts';
import {
  INPUT_NAME,
  OUTPUT_NAMES,
  PHOTO_CHANNELS,
  PHOTO_SIDE,
  PIXEL_OFFSET,
  PIXEL_SCALE,
} from '../contract/tensors.ts';
import type { ExportedNetwork, LogitMap } from './export-layers.ts';
import { attribute, DataType, Graph, type Node, type WeightPrecision } from './graph.ts';

/** The calibration of a trained network. */
export interface CalibrationWriter {
  /** Logits are divided by it before the softmax; 1 changes nothing. */
  readonly temperature: number;
  /**
   * @param features float32 `[N, F]`
   * @param logits float32 `[N, C]`
   * @returns float32 `[N]`: at least 0 for a photo that shows one of the classes
   */
  readonly writeKnownScore: (graph: Graph, features: Node, logits: Node) => Node;
}

interface ServingOptions {
  /** The class of each output of the model, in order. */
  readonly labels: readonly string[];
  /** Part of the model and of every answer: digits, as TensorFlow Serving requires. */
  readonly version: string;
  /** Names and descriptions of the classes. @default - those of the flowers, or derived from the labels */
  readonly catalogue?: Catalogue | undefined;
  /** The model's description of itself. @default - none */
  readonly accuracy?: Accuracy | undefined;
  /** How weights are stored. @default 'half' */
  readonly precision?: WeightPrecision;
  /** Makes confidence and `known_score` meaningful. @default none: every photo counts as known */
  readonly calibration?: CalibrationWriter | undefined;
}

/** Writes a classifier into a graph; `photos` is float32 `[N, 224, 224, 3]` in [-1, 1]. */
export type NetworkWriter = (graph: Graph, photos: Node) => ExportedNetwork;

/** A node named in the signature, with its type and shape. */
export interface SignatureTensor {
  readonly node: Node;
  readonly dtype: DataType;
  /** `null` is the batch size. */
  readonly shape: readonly (number | null)[];
}

export interface ServingGraph {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, SignatureTensor>>;
  readonly outputs: Readonly<Record<string, SignatureTensor>>;
}

const [float, int32, int64, string] = [
  attribute.type(DataType.float),
  attribute.type(DataType.int32),
  attribute.type(DataType.int64),
  attribute.type(DataType.string),
];

/** Rows of a tensor, by their numbers. */
const gather = (graph: Graph, name: string, from: Node, rows: Node, type = string): Node =>
  graph.add('GatherV2', name, [from, rows, graph.integers(`${name}/axis`, [0], [])], {
    Tparams: type,
    Tindices: int64,
    Taxis: int32,
    batch_dims: attribute.integer(0),
  });

const broadcast = (graph: Graph, name: string, values: Node, shape: Node, type = string): Node =>
  graph.add('BroadcastTo', name, [values, shape], { T: type, Tidx: int32 });

/** Strings of raw RGB become float32 `[N, 224, 224, 3]` in [-1, 1]. */
const decodePhotos = (graph: Graph, photos: Node): Node => {
  const bytes = graph.add('DecodeRaw', 'decode/raw', [photos], {
    out_type: attribute.type(DataType.uint8),
    little_endian: attribute.boolean(true),
  });
  const square = [-1, PHOTO_SIDE, PHOTO_SIDE, PHOTO_CHANNELS];
  const pixels = graph.reshape('decode/pixels', bytes, square, DataType.uint8);
  const floats = graph.cast('decode/float', pixels, DataType.uint8, DataType.float);
  const scaled = graph.float('Mul', 'decode/scaled', [floats, graph.scalar('decode/scale', PIXEL_SCALE)]);
  return graph.float('AddV2', 'decode/shifted', [scaled, graph.scalar('decode/offset', PIXEL_OFFSET)]);
};

/** Photos resized to `[N, side, side, 3]`. */
export const writeResized = (graph: Graph, photos: Node, side: number): Node =>
  graph.float('ResizeBilinear', 'enlarged', [photos, graph.integers('enlarged/size', [side, side])], {
    align_corners: attribute.boolean(false),
    half_pixel_centers: attribute.boolean(true),
  });

const toProbabilities = (graph: Graph, logits: Node, temperature: number): Node => {
  const scaled =
    temperature === 1
      ? logits
      : graph.float('Mul', 'tempered', [logits, graph.scalar('tempered/scale', 1 / temperature)]);
  return graph.float('Softmax', 'probabilities', [scaled]);
};

/**
 * How much each part of the photo supports the most probable class, scaled so that the strongest part is 1: the class
 * activation map (Zhou et al. 2016) relative to the mean of all classes. Float32 `[N, H, W]`.
 */
const writeEvidence = (
  graph: Graph,
  { node, height, width }: LogitMap,
  best: Node,
  classes: number,
): Node => {
  const reduce = (op: string, name: string, x: Node, axes: readonly number[], keep: boolean) =>
    graph.float(op, name, [x, graph.integers(`${name}/axes`, axes)], {
      Tidx: int32,
      keep_dims: attribute.boolean(keep),
    });
  const mean = reduce('Mean', 'evidence/mean', node, [3], true);
  const above = graph.float('Sub', 'evidence/above', [node, mean]);
  const unit = Float32Array.from({ length: classes ** 2 }, (_, at) => Number(at % (classes + 1) === 0));
  const units = graph.floats('evidence/units', unit, [classes, classes]);
  const chosen = gather(graph, 'evidence/best', units, best, float);
  const column = graph.reshape('evidence/chosen', chosen, [-1, 1, 1, classes]);
  const own = reduce('Sum', 'evidence/sum', graph.float('Mul', 'evidence/own', [above, column]), [3], false);
  const positive = graph.float('Relu', 'evidence/positive', [own]);
  const largest = reduce('Max', 'evidence/largest', positive, [1, 2], true);
  const safe = graph.float('AddV2', 'evidence/safe', [largest, graph.scalar('evidence/epsilon', 1e-6)]);
  const scaled = graph.float('RealDiv', 'evidence/scaled', [positive, safe]);
  return graph.reshape('evidence', scaled, [-1, height, width]);
};

/** For every photo: the class names, the name of the most probable one, and the model's version. */
const addLabels = (
  graph: Graph,
  probabilities: Node,
  { labels, version, catalogue, accuracy }: ServingOptions,
) => {
  const labelTensor = graph.strings('labels', labels);
  const texts = (name: string, describe: typeof labelNames | typeof labelWords) =>
    graph.strings(
      name,
      labels.map((label) => JSON.stringify(describe(label, catalogue, accuracy))),
    );
  const shapeOf = (name: string, x: Node, type: typeof float) =>
    graph.add('Shape', name, [x], { T: type, out_type: int32 });
  const shape = shapeOf('probabilities/shape', probabilities, float);
  const best = graph.add('ArgMax', 'best', [probabilities, graph.integers('best/axis', [1], [])], {
    T: float,
    Tidx: int32,
    output_type: int64,
  });
  const bestShape = shapeOf('best/shape', best, int64);
  return {
    best,
    classes: broadcast(graph, 'classes', labelTensor, shape),
    label: gather(graph, 'label', labelTensor, best),
    names: broadcast(graph, 'names', texts('names/values', labelNames), shape),
    words: gather(graph, 'words', texts('words/values', labelWords), best),
    modelVersion: broadcast(graph, 'model_version', graph.strings('version', [version]), bestShape),
    bestShape,
  };
};

/** Without calibration the in-distribution score is 1 for every photo. */
const addConstantScore = (graph: Graph, shape: Node): Node => {
  const one = graph.reshape('known/one', graph.scalar('known/always', 1), [1]);
  return broadcast(graph, 'known_score', one, shape, float);
};

/** The nodes that delimit the network in an exported model. */
export const NETWORK_ENDS = {
  photos: 'decode/shifted',
  features: 'network/features',
  logits: 'network/logits',
  map: 'network/map',
} as const;

const writeNetwork = (write: NetworkWriter, precision: WeightPrecision) => {
  const graph = new Graph(precision);
  const photo = graph.placeholder(INPUT_NAME, DataType.string, [null]);
  const inputs = { [INPUT_NAME]: { node: photo, dtype: DataType.string, shape: [null] } };
  const { features, logits, map } = write(graph, decodePhotos(graph, photo));
  const end = (name: string, node: Node) => graph.float('Identity', name, [node]);
  return {
    ...{ graph, inputs },
    features: end(NETWORK_ENDS.features, features),
    logits: end(NETWORK_ENDS.logits, logits),
    map: map && { ...map, node: end(NETWORK_ENDS.map, map.node) },
  };
};

/** A graph for calibration, never served: `features` float32 `[N, F]`, `logits` float32 `[N, C]`. */
export const buildFeaturesGraph = (
  write: NetworkWriter,
  precision: WeightPrecision = 'half',
): ServingGraph => {
  const { graph, inputs, features, logits } = writeNetwork(write, precision);
  const output = (node: Node) => ({ node, dtype: DataType.float, shape: [null, null] });
  return { graph, inputs, outputs: { features: output(features), logits: output(logits) } };
};

/**
 * The whole graph of the serving contract around a trained network: raw photos in, probabilities and names out. Every
 * node works on any batch size and every output has the batch first, so TensorFlow Serving can batch requests.
 *
 * @param write the trained network; `exportLayers` writes one of TensorFlow.js layers
 * @throws ExportError when the network cannot be expressed exactly
 *
 * @example
 * const network = buildNetwork({ classes: 2 });
 * const write = (graph, x) => exportLayers(graph, network, x);
 * const bytes = encodeSavedModel(buildServingGraph(write, { labels: ['rose', 'tulip'], version: '1' }));
 * Object.keys(decodeSavedModel(bytes).signature.outputs).includes('label'); // => true
 */
export const buildServingGraph = (write: NetworkWriter, options: ServingOptions): ServingGraph => {
  const count = options.labels.length;
  const { calibration } = options;
  const { graph, inputs, features, logits, map } = writeNetwork(write, options.precision ?? 'half');
  const probabilities = toProbabilities(graph, logits, calibration?.temperature ?? 1);
  const labels = addLabels(graph, probabilities, options);
  const knownScore =
    calibration?.writeKnownScore(graph, features, logits) ?? addConstantScore(graph, labels.bestShape);
  const output = (node: Node, dtype: DataType, ...shape: readonly number[]): SignatureTensor => ({
    node,
    dtype,
    shape: [null, ...shape],
  });
  const evidence = map && {
    [OUTPUT_NAMES.evidence]: output(
      writeEvidence(graph, map, labels.best, count),
      DataType.float,
      map.height,
      map.width,
    ),
  };
  return {
    graph,
    inputs,
    outputs: {
      [OUTPUT_NAMES.probabilities]: output(probabilities, DataType.float, count),
      [OUTPUT_NAMES.label]: output(labels.label, DataType.string),
      [OUTPUT_NAMES.classes]: output(labels.classes, DataType.string, count),
      [OUTPUT_NAMES.modelVersion]: output(labels.modelVersion, DataType.string),
      [OUTPUT_NAMES.knownScore]: output(knownScore, DataType.float),
      [OUTPUT_NAMES.names]: output(labels.names, DataType.string, count),
      [OUTPUT_NAMES.words]: output(labels.words, DataType.string),
      ...evidence,
    },
  };
};
