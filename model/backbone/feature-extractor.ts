import type * as tf from '@tensorflow/tfjs-core';
import type { Graph, Node } from '../savedmodel/graph.ts';
import type { InputRange } from './input-range.ts';

/**
 * The convolutions of a pretrained network, up to its global pooling, whatever format it came in. Its features are the
 * means of its feature maps: of the last one, and of the last ones at higher resolutions.
 */
export interface FeatureExtractor {
  readonly format: 'graph' | 'layers';
  /** Side of the photos that the network was made for, in pixels. */
  readonly side: number;
  /** What it wants black and white to be. */
  readonly range: InputRange;
  /**
   * @param photos float32 `[N, S, S, 3]` in `range`, of any side
   * @returns float32 `[N, F]`, to be disposed of
   */
  readonly pool: (photos: tf.Tensor4D) => tf.Tensor2D;
  /**
   * Writes the same as {@link pool}.
   *
   * @param photos float32 `[N, S, S, 3]` in [-1, 1]
   * @returns float32 `[N, F]`
   * @throws ExportError when an operation has no exact counterpart
   */
  readonly write: (graph: Graph, photos: Node) => Node;
  readonly dispose: () => void;
}

export interface FeatureExtractorOptions {
  /** Feature maps to be pooled: the last at each of so many resolutions, counted from the end. */
  readonly featureLevels: number;
  /** What the network wants black and white to be, where the network does not say it. */
  readonly range?: InputRange | undefined;
}
