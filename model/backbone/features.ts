import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import { decodeWeightsFile, encodeWeightsFile, type WeightValues } from '../network/weights.ts';
import { stopIfAborted } from '../shared/abort.ts';
import { replaceFile } from '../shared/files.ts';
import { errorText } from '../shared/text.ts';
import type { Backbone } from './backbone.ts';

/** What the features in a file are the features of. */
const headerSchema = z.object({ key: z.string(), contents: z.array(z.string()) });

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/**
 * Features of photos on disk, one file for each batch that was computed together: what TensorFlow computes of a photo
 * may differ in its last bit with the photos beside it, and a training that is resumed must see the same numbers. A file
 * that was cut short, altered, moved, or made in another way is not used.
 *
 * @param directory for all features, of any backbone
 * @param key what decides the features of a photo, besides the photo
 * @param contents hashes of the pixels of a batch
 */
const keptFeatures = (directory: string, key: string, contents: string[]) => {
  const folder = path.join(directory, shortHash(key));
  const file = path.join(folder, shortHash(contents.join()));
  const header: z.infer<typeof headerSchema> = { key, contents };
  return {
    /** The features of each photo; undefined when they are not there, or not to be trusted. */
    read: async (): Promise<WeightValues | undefined> => {
      // Whatever keeps the file from being read, the features can be computed again.
      const bytes = await readFile(file).catch(() => undefined);
      const found = bytes && decodeWeightsFile(bytes);
      const isMeant = isDeepStrictEqual(headerSchema.safeParse(found?.header).data, header);
      return isMeant ? found?.groups['features'] : undefined;
    },
    /** Puts the file in its place in one step, so that half of it is never read. */
    write: (features: WeightValues): Promise<void> =>
      replaceFile(file, encodeWeightsFile({ header, groups: { features } })).catch((cause: unknown) => {
        throw new Error(
          `The features cannot be kept in ${folder} (${errorText(cause)}). Give another folder, or none.`,
          { cause },
        );
      }),
  };
};

/** Photos that go through the backbone at a time. */
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

const extractBatch = async (backbone: Backbone, examples: readonly Example[]): Promise<Float32Array[]> => {
  const extracted = tf.tidy(() => backbone.extract(photoTensor(examples)));
  const values = Float32Array.from(await extracted.data());
  extracted.dispose();
  const { features } = backbone;
  return examples.map((_, index) => values.slice(index * features, (index + 1) * features));
};

/**
 * Computes the features of photos, or takes them from the cache. Each photo is looked at once, as it is: mirror images,
 * crops and other changes did not make the head any better.
 *
 * @throws AbortedError when the signal is aborted; what was computed until then is in the cache
 */
export const computeFeatures = async (
  backbone: Backbone,
  examples: readonly Example[],
  { cacheDirectory, onProgress, signal }: FeatureOptions = {},
): Promise<Features> => {
  const features: Float32Array[] = [];
  for (let start = 0; start < examples.length; start += BATCH) {
    await stopIfAborted(signal, 'while computing features');
    const batch = examples.slice(start, start + BATCH);
    const contents = batch.map(({ content }) => content);
    const cache =
      cacheDirectory === undefined ? undefined : keptFeatures(cacheDirectory, backbone.key, contents);
    const kept = await cache?.read();
    const extracted = kept ?? (await extractBatch(backbone, batch));
    if (!kept) await cache?.write(extracted);
    features.push(...extracted);
    onProgress?.(features.length, examples.length);
  }
  return features;
};
