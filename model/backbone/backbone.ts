import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { Graph, type Node } from '../savedmodel/graph.ts';
import { writeResized } from '../savedmodel/serving-graph.ts';
import {
  type FeatureExtractor,
  type FeatureExtractorOptions,
  type InputRange,
  toRange,
} from './feature-extractor.ts';
import { openGraphModel } from './graph-model.ts';
import { openLayersModel } from './layers-model.ts';
import { BackboneError, graphDefSchema, readModelFiles } from './model-files.ts';

export interface BackboneOptions {
  /** Side to which photos are enlarged before the network sees them. @default 8/7 of the side it was made for */
  readonly side?: number | undefined;
  /** What the network wants black and white to be, where the network does not say it. */
  readonly range?: InputRange | undefined;
}

/**
 * Networks see more in photos that are larger than those they were trained on (Touvron et al. 2019). Still larger ones cost
 * more and were no better in a cross-validation.
 */
const ENLARGEMENT = 8 / 7;
/** What most networks shrink a photo by: other sides would leave half a pixel over. */
const MULTIPLE = 32;

/** Resolutions whose last feature map counts. */
const LEVELS = 2;

/** Changes whenever the same photo and network would give other features: old ones are then not used any more. */
const METHOD = 'power-normalized means 1';

/** Signed square roots: a few large means would drown the others (Perronnin et al. 2010). */
const powerNormalized = (means: tf.Tensor2D): tf.Tensor2D =>
  tf.sub(tf.sqrt(tf.relu(means)), tf.sqrt(tf.relu(tf.neg(means))));

const writePowerNormalized = (graph: Graph, means: Node): Node => {
  const positive = graph.float('Relu', 'features/positive', [means]);
  const negative = graph.float('Sub', 'features/negative', [positive, means]);
  return graph.float('Sub', 'features/roots', [
    graph.float('Sqrt', 'features/positive_roots', [positive]),
    graph.float('Sqrt', 'features/negative_roots', [negative]),
  ]);
};

/** Names the folder, and what else to use, where something cannot be exported. */
const withReason = async <Result>(directory: string, open: () => Promise<Result>): Promise<Result> => {
  try {
    return await open();
  } catch (cause) {
    if (cause instanceof BackboneError) throw cause;
    throw BackboneError.because(directory, 'it cannot be exported', cause);
  }
};

/**
 * Opens a folder that holds a TensorFlow.js model, of either format, for classifying photos.
 *
 * @returns also the SHA-256 over its files, hex
 * @throws BackboneError when it is none that features can be taken from
 */
export const openExtractor = async (
  directory: string,
  { featureLevels = LEVELS, range }: Partial<FeatureExtractorOptions> = {},
): Promise<{ readonly extractor: FeatureExtractor; readonly hash: string }> => {
  const files = await readModelFiles(directory);
  const graph = graphDefSchema.safeParse(files.topology);
  const extractor = await withReason(directory, () =>
    graph.success
      ? openGraphModel(files, graph.data, { featureLevels, range })
      : openLayersModel(files, { featureLevels, range }),
  );
  return { extractor, hash: files.hash };
};

/** A pretrained network that turns photos into features, and is never trained itself. */
export class Backbone {
  /** Length of a feature vector. */
  readonly features: number;
  /** Weights up to the features. */
  readonly parameters: number;
  /** Names everything that decides a photo's features, besides the photo. */
  readonly key: string;
  readonly side: number;
  readonly #extractor: FeatureExtractor;

  private constructor(extractor: FeatureExtractor, hash: string, side: number | undefined) {
    this.#extractor = extractor;
    this.side = side ?? Math.round((extractor.side * ENLARGEMENT) / MULTIPLE) * MULTIPLE;
    const { low, high } = extractor.range;
    this.key = [METHOD, hash, `side ${this.side}`, `stages ${LEVELS}`, `range ${low} to ${high}`].join(', ');
    this.parameters = countWeights(this);
    this.features = tf.tidy(
      () => this.extract(tf.zeros([1, PHOTO_SIDE, PHOTO_SIDE, PHOTO_CHANNELS])).shape[1],
    );
  }

  /**
   * Opens a folder that holds a TensorFlow.js model, of either format, for classifying photos.
   *
   * @throws BackboneError when it is none that features can be taken from, or cannot be exported
   */
  static async load(directory: string, { side, range }: BackboneOptions = {}): Promise<Backbone> {
    return withReason(directory, async () => {
      const { extractor, hash } = await openExtractor(directory, { range });
      return new Backbone(extractor, hash, side);
    });
  }

  get range(): InputRange {
    return this.#extractor.range;
  }

  /**
   * @param photos float32 `[N, 224, 224, 3]` in [-1, 1]
   * @returns float32 `[N, features]`
   */
  extract(photos: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const enlarged = tf.image.resizeBilinear(photos, [this.side, this.side], false, true);
      const { scale, offset } = toRange(this.#extractor.range);
      return powerNormalized(this.#extractor.pool(tf.add(tf.mul(enlarged, scale), offset)));
    });
  }

  /**
   * Writes the same as {@link extract}.
   *
   * @param photos float32 `[N, 224, 224, 3]` in [-1, 1]
   * @returns float32 `[N, features]`
   * @throws ExportError when an operation has no exact counterpart
   */
  write(graph: Graph, photos: Node): Node {
    const enlarged = writeResized(graph, photos, this.side);
    return writePowerNormalized(graph, this.#extractor.write(graph, enlarged));
  }

  dispose(): void {
    this.#extractor.dispose();
  }
}

/** Counts the weights that are written into it. */
class CountingGraph extends Graph {
  count = 0;

  override weights(name: string, values: Float32Array, dimensions: readonly number[]): Node {
    this.count += values.length;
    return super.weights(name, values, dimensions);
  }
}

/** Writes the backbone once for nothing, which finds out before a long training whether it can be exported. */
const countWeights = (backbone: Backbone): number => {
  const graph = new CountingGraph();
  backbone.write(graph, 'photos');
  return graph.count;
};
