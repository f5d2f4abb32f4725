import { type Catalogue, namesOfLabel, wordsOfLabel } from '../contract/catalogue.ts';
import {
  INPUT_NAME,
  OUTPUT_NAMES,
  PHOTO_CHANNELS,
  PHOTO_SIDE,
  PIXEL_OFFSET,
  PIXEL_SCALE,
} from '../contract/tensors.ts';
import type { ExportedNetwork } from './export-layers.ts';
import { attribute, DataType, Graph, type Node, type WeightPrecision } from './graph.ts';

/** What is added to a trained network so that its answers are honest. */
export interface CalibrationWriter {
  /** Logits are divided by it before the softmax; 1 changes nothing. */
  readonly temperature: number;
  /** Length of a feature vector. */
  readonly features: number;
  /**
   * @param features float32 `[N, features]`
   * @returns float32 `[N]`: at least 0 for a photo that shows one of the classes
   */
  readonly writeKnownScore: (graph: Graph, features: Node) => Node;
}

interface ServingOptions {
  /** The class of each output of the model, in order. */
  readonly labels: readonly string[];
  /** Travels with the model and comes back with every answer: digits, as TensorFlow Serving wants versions. */
  readonly version: string;
  /** Names and descriptions of the classes. @default - those of the flowers, or made of the labels */
  readonly catalogue?: Catalogue | undefined;
  /** How weights are stored. @default 'half' */
  readonly precision?: WeightPrecision;
  /** Makes confidence and `known_score` mean something. @default none: every photo is taken for a known one */
  readonly calibration?: CalibrationWriter | undefined;
}

/** Writes a classifier into a graph; `photos` is float32 `[N, 224, 224, 3]` in [-1, 1]. */
export type NetworkWriter = (graph: Graph, photos: Node) => ExportedNetwork;

/** A node that the signature names, with its type and shape. */
export interface SignatureTensor {
  readonly node: Node;
  readonly dtype: DataType;
  /** `null`: the batch. */
  readonly shape: readonly (number | null)[];
}

export interface ServingGraph {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, SignatureTensor>>;
  readonly outputs: Readonly<Record<string, SignatureTensor>>;
}

const { float, int32, int64, string } = {
  float: attribute.type(DataType.float),
  int32: attribute.type(DataType.int32),
  int64: attribute.type(DataType.int64),
  string: attribute.type(DataType.string),
};

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

/** Photos of another side, `[N, side, side, 3]`. */
export const writeResized = (graph: Graph, photos: Node, side: number): Node =>
  graph.float('ResizeBilinear', 'enlarged', [photos, graph.integers('enlarged/size', [side, side])], {
    align_corners: attribute.boolean(false),
    half_pixel_centers: attribute.boolean(true),
  });

/** Photos and their mirror images as one batch, `[2 N, ...]`. */
const withFlipped = (graph: Graph, photos: Node): Node => {
  const mirrored = graph.float('ReverseV2', 'mirror', [photos, graph.integers('mirror/axis', [2])], {
    Tidx: int32,
  });
  return graph.float('ConcatV2', 'both', [photos, mirrored, graph.integers('both/axis', [0], [])], {
    N: attribute.integer(2),
    Tidx: int32,
  });
};

/** `[2 N, width]` to `[N, width]`: the mean over each photo and its mirror image. */
const meanOfViews = (graph: Graph, name: string, x: Node, pairs: string, width: number): Node =>
  graph.mean(name, graph.reshape(pairs, x, [2, -1, width]), [0]);

/** The answer is the mean of both views, each at the fitted temperature. */
const toProbabilities = (graph: Graph, logits: Node, classes: number, temperature: number): Node => {
  const scaled =
    temperature === 1
      ? logits
      : graph.float('Mul', 'tempered', [logits, graph.scalar('tempered/scale', 1 / temperature)]);
  return meanOfViews(graph, 'probabilities', graph.float('Softmax', 'softmax', [scaled]), 'pairs', classes);
};

/** For every photo: the class names, the name of the most probable one, and the model's version. */
const addLabels = (graph: Graph, probabilities: Node, { labels, version, catalogue }: ServingOptions) => {
  const labelNames = graph.strings('labels', labels);
  const texts = (name: string, describe: typeof namesOfLabel | typeof wordsOfLabel) =>
    graph.strings(
      name,
      labels.map((label) => JSON.stringify(describe(label, catalogue))),
    );
  const shape = graph.add('Shape', 'probabilities/shape', [probabilities], { T: float, out_type: int32 });
  const inEveryRow = (name: string, values: Node) =>
    graph.add('BroadcastTo', name, [values, shape], { T: string, Tidx: int32 });
  const best = graph.add('ArgMax', 'best', [probabilities, graph.integers('best/axis', [1], [])], {
    T: float,
    Tidx: int32,
    output_type: int64,
  });
  const gather = (name: string, from: Node, indices: Node) =>
    graph.add('GatherV2', name, [from, indices, graph.integers(`${name}/axis`, [0], [])], {
      Tparams: string,
      Tindices: int64,
      Taxis: int32,
      batch_dims: attribute.integer(0),
    });
  const bestShape = graph.add('Shape', 'best/shape', [best], { T: int64, out_type: int32 });
  const modelVersion = graph.add(
    'BroadcastTo',
    'model_version',
    [graph.strings('version', [version]), bestShape],
    {
      T: string,
      Tidx: int32,
    },
  );
  return {
    classes: inEveryRow('classes', labelNames),
    label: gather('label', labelNames, best),
    names: inEveryRow('names', texts('names/values', namesOfLabel)),
    words: gather('words', texts('words/values', wordsOfLabel), best),
    modelVersion,
    bestShape,
  };
};

/** Without calibration the in-distribution score is 1 for every photo. */
const addConstantScore = (graph: Graph, shape: Node): Node =>
  graph.add(
    'BroadcastTo',
    'known_score',
    [graph.reshape('known/one', graph.scalar('known/always', 1), [1]), shape],
    {
      T: float,
      Tidx: int32,
    },
  );

/** A network and what feeds it: photos, and their mirror images as a second half of the batch. */
const writeNetwork = (write: NetworkWriter, precision: WeightPrecision) => {
  const graph = new Graph(precision);
  const photo = graph.placeholder(INPUT_NAME, DataType.string, [null]);
  const inputs = { [INPUT_NAME]: { node: photo, dtype: DataType.string, shape: [null] } };
  return { graph, inputs, ...write(graph, withFlipped(graph, decodePhotos(graph, photo))) };
};

/**
 * A graph to calibrate by, never served: `features` float32 `[N, F]`, mean of both views; `logits` float32 `[2 N, C]`,
 * those of the mirror images last.
 */
export const buildFeaturesGraph = (
  write: NetworkWriter,
  precision: WeightPrecision = 'half',
): ServingGraph => {
  const { graph, inputs, features, logits } = writeNetwork(write, precision);
  // The width is not known here: the views are added as halves of the batch.
  const halves = graph.reshape('observed/shape', features, [2, -1]);
  const mean = graph.mean('observed', halves, [0]);
  return {
    graph,
    inputs,
    outputs: {
      features: { node: mean, dtype: DataType.float, shape: [null] },
      logits: { node: logits, dtype: DataType.float, shape: [null, null] },
    },
  };
};

/**
 * The whole graph of the serving contract around a trained network: raw photos in, probabilities and names out.
 * Every node works on any batch size and every output has the batch first, so TensorFlow Serving can batch requests.
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
  const { graph, inputs, features, logits } = writeNetwork(write, options.precision ?? 'half');
  const probabilities = toProbabilities(graph, logits, count, calibration?.temperature ?? 1);
  const { classes, label, names, words, modelVersion, bestShape } = addLabels(graph, probabilities, options);
  const knownScore = calibration
    ? calibration.writeKnownScore(
        graph,
        meanOfViews(graph, 'known/features', features, 'known/pairs', calibration.features),
      )
    : addConstantScore(graph, bestShape);
  return {
    graph,
    inputs,
    outputs: {
      [OUTPUT_NAMES.probabilities]: { node: probabilities, dtype: DataType.float, shape: [null, count] },
      [OUTPUT_NAMES.label]: { node: label, dtype: DataType.string, shape: [null] },
      [OUTPUT_NAMES.classes]: { node: classes, dtype: DataType.string, shape: [null, count] },
      [OUTPUT_NAMES.modelVersion]: { node: modelVersion, dtype: DataType.string, shape: [null] },
      [OUTPUT_NAMES.knownScore]: { node: knownScore, dtype: DataType.float, shape: [null] },
      [OUTPUT_NAMES.names]: { node: names, dtype: DataType.string, shape: [null, count] },
      [OUTPUT_NAMES.words]: { node: words, dtype: DataType.string, shape: [null] },
    },
  };
};
