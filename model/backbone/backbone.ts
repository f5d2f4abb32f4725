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
  /** Side to which photos are enlarged. @default 8/7 of the side that the network was made for */
  readonly side?: number | undefined;
  /** The values that the network expects for black and white, if they cannot be determined. */
  readonly range?: InputRange | undefined;
}

/**
 * Networks are more accurate on photos larger than those they were trained on (Touvron et al. 2019). Even larger ones
 * cost more and were no better in a cross-validation.
 */
const ENLARGEMENT = 8 / 7;
/** The factor by which most networks shrink a photo; the side is a multiple of it. */
const MULTIPLE = 32;

/** Number of resolutions whose last feature map is used. */
const LEVELS = 2;

/** Changed whenever the same photo and network would give other features, which invalidates cached ones. */
const METHOD = 'power-normalized means 1';

/** Signed square roots, because a few large means would dominate the others (Perronnin et al. 2010). */
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

/** Adds the folder and an alternative to the error if something cannot be exported. */
const withReason = async <Result>(directory: string, open: () => Promise<Result>): Promise<Result> => {
  try {
    return await open();
  } catch (cause) {
    if (cause instanceof BackboneError) throw cause;
    throw BackboneError.because(directory, 'it cannot be exported', cause);
  }
};

/**
 * Opens a folder with a TensorFlow.js model for classifying photos, in either format.
 *
 * @returns the extractor, and the SHA-256 of its files in hexadecimal
 * @throws BackboneError if no features can be extracted from it
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

/** A frozen pretrained network that extracts features from photos. */
export class Backbone {
  /** Length of a feature vector. */
  readonly features: number;
  /** Weights up to the features. */
  readonly parameters: number;
  /** Identifies everything besides the photo that determines its features. */
  readonly key: string;
  readonly side: number;
  readonly #extractor: FeatureExtractor;

  private constructor(extractor: FeatureExtractor, hash: string, side: number | undefined) {
    this.#extractor = extractor;
    this.side = side ?? Math.round((extractor.side * ENLARGEMENT) / MULTIPLE) * MULTIPLE;
    const { low, high } = extractor.range;
    this.key = [METHOD, hash, `side ${this.side}`, `stages ${LEVELS}`, `range ${low} to ${high}`].join(', ');
    // Finds out before a long training whether the backbone can be exported.
    const graph = new Graph();
    this.write(graph, 'photos');
    this.parameters = graph.parameters;
    this.features = tf.tidy(
      () => this.extract(tf.zeros([1, PHOTO_SIDE, PHOTO_SIDE, PHOTO_CHANNELS])).shape[1],
    );
  }

  /**
   * Opens a folder with a TensorFlow.js model for classifying photos, in either format.
   *
   * @throws BackboneError if no features can be extracted from it, or it cannot be exported
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
   * Writes the graph of {@link extract}.
   *
   * @param photos float32 `[N, 224, 224, 3]` in [-1, 1]
   * @returns float32 `[N, features]`
   * @throws ExportError if an operation has no exact counterpart
   */
  write(graph: Graph, photos: Node): Node {
    const enlarged = writeResized(graph, photos, this.side);
    return writePowerNormalized(graph, this.#extractor.write(graph, enlarged));
  }

  dispose(): void {
    this.#extractor.dispose();
  }
}
