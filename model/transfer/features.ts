import * as tf from '@tensorflow/tfjs-core';
import type { Example } from '../training/dataset.ts';
import { stopIfAborted } from '../training/stop.ts';
import { photoTensor } from '../training/tensors.ts';
import type { Backbone } from './backbone.ts';
import { FeatureCache } from './feature-cache.ts';

/** Photos that the backbone sees at a time. */
const BATCH = 16;

export interface FeatureOptions {
  /** Folder in which features are kept for the next time. @default none: they are computed every time */
  readonly cacheDirectory?: string | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Aborted, it ends the work within a batch. */
  readonly signal?: AbortSignal | undefined;
}

/** A feature vector for each photo. */
export type Features = readonly Float32Array[];

const describeBatch = async (backbone: Backbone, examples: readonly Example[]): Promise<Float32Array[]> => {
  const described = tf.tidy(() => backbone.describe(photoTensor(examples)));
  const values = Float32Array.from(await described.data());
  described.dispose();
  const { features } = backbone;
  return examples.map((_, index) => values.slice(index * features, (index + 1) * features));
};

/**
 * Computes the features of photos, or takes them from the cache. Each photo is looked at once, as it is: mirror images,
 * crops and other changes did not make the head any better.
 *
 * @throws Stopped when the signal is aborted; what was computed until then is in the cache
 */
export const extractFeatures = async (
  backbone: Backbone,
  examples: readonly Example[],
  { cacheDirectory, onProgress, signal }: FeatureOptions = {},
): Promise<Features> => {
  const cache = cacheDirectory === undefined ? undefined : new FeatureCache(cacheDirectory, backbone.key);
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
