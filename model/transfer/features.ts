import * as tf from '@tensorflow/tfjs-core';
import type { Example } from '../training/dataset.ts';
import { stopIfAborted } from '../training/stop.ts';
import { photoTensor } from '../training/tensors.ts';
import type { Backbone } from './backbone.ts';
import { FeatureCache } from './feature-cache.ts';

/**
 * The ways in which a photo is looked at: as it is, and mirrored. The served model looks both ways too; crops and other
 * changes did not make the head any better.
 */
const VIEWS: readonly ((photos: tf.Tensor4D) => tf.Tensor4D)[] = [
  (photos) => photos,
  (photos) => tf.reverse(photos, 2),
];
const VIEWS_KEY = 'views plain, mirrored';

/** Photos that the backbone sees at a time. */
const BATCH = 16;

export interface FeatureOptions {
  /** Folder in which features are kept for the next time. @default none: they are computed every time */
  readonly cacheDirectory?: string | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Aborted, it ends the work within a batch. */
  readonly signal?: AbortSignal | undefined;
}

/** For each photo, one feature vector for each way of looking at it, one after the other. */
export type Features = readonly Float32Array[];

const describeBatch = async (backbone: Backbone, examples: readonly Example[]): Promise<Float32Array[]> => {
  const described = tf.tidy(() => {
    const photos = photoTensor(examples);
    return tf.stack(
      VIEWS.map((view) => backbone.describe(view(photos))),
      1,
    );
  });
  const values = Float32Array.from(await described.data());
  described.dispose();
  const length = VIEWS.length * backbone.features;
  return examples.map((_, index) => values.slice(index * length, (index + 1) * length));
};

/** How many ways of looking at a photo there are. */
export const VIEW_COUNT = VIEWS.length;

/**
 * Computes the features of photos, or takes them from the cache.
 *
 * @throws Stopped when the signal is aborted; what was computed until then is in the cache
 */
export const extractFeatures = async (
  backbone: Backbone,
  examples: readonly Example[],
  { cacheDirectory, onProgress, signal }: FeatureOptions = {},
): Promise<Features> => {
  const cache = cacheDirectory === undefined ? undefined : new FeatureCache(cacheDirectory, keyOf(backbone));
  const features: Float32Array[] = [];
  for (let start = 0; start < examples.length; start += BATCH) {
    await stopIfAborted(signal, 'while computing features');
    const batch = examples.slice(start, start + BATCH);
    const contents = batch.map(({ content }) => content);
    const kept = await cache?.read(contents);
    const described = kept ?? (await describeBatch(backbone, batch));
    if (!kept) await cache?.write(contents, described);
    features.push(...described);
    onProgress?.(features.length, examples.length);
  }
  return features;
};

const keyOf = (backbone: Backbone): string => `${backbone.key}, ${VIEWS_KEY}`;
