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

/** Identifies the features in a file. */
const headerSchema = z.object({ key: z.string(), contents: z.array(z.string()) });

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/**
 * A cache of features on disk, with one file for each batch: the last bit of TensorFlow's result may depend on the
 * other photos in the batch, and a resumed training must use the same numbers. A file that was truncated, altered,
 * moved, or created differently is not used.
 *
 * @param directory folder for features of all backbones
 * @param key identifies everything besides the photo that determines its features
 * @param contents hashes of the pixels in a batch
 */
const keptFeatures = (directory: string, key: string, contents: string[]) => {
  const folder = path.join(directory, shortHash(key));
  const file = path.join(folder, shortHash(contents.join()));
  const header: z.infer<typeof headerSchema> = { key, contents };
  return {
    /** The features of each photo; undefined if they are missing or not trustworthy. */
    read: async (): Promise<WeightValues | undefined> => {
      // Whatever the reason, the features can be computed again.
      const bytes = await readFile(file).catch(() => undefined);
      const found = bytes && decodeWeightsFile(bytes);
      const isMeant = isDeepStrictEqual(headerSchema.safeParse(found?.header).data, header);
      return isMeant ? found?.groups['features'] : undefined;
    },
    /** Writes the file atomically. */
    write: (features: WeightValues): Promise<void> =>
      replaceFile(file, encodeWeightsFile({ header, groups: { features } })).catch((cause: unknown) => {
        throw new Error(
          `The features cannot be stored in ${folder} (${errorText(cause)}). Choose another folder, or none.`,
          { cause },
        );
      }),
  };
};

/** Batch size of the backbone. */
const BATCH = 16;

export interface FeatureOptions {
  /** Cache folder for features. @default none: they are always computed */
  readonly cacheDirectory?: string | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Ends the work within a batch. */
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
 * Computes the features of photos, or reads them from the cache. Photos are not augmented: mirror images, crops and
 * other changes did not improve the head.
 *
 * @throws AbortedError if the signal is aborted; features computed so far are in the cache
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
