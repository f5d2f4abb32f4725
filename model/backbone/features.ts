import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
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
 */
export class FeatureCache {
  readonly #directory: string;
  readonly #key: string;

  /**
   * @param directory for all features, of any backbone
   * @param key what decides the features of a photo, besides the photo
   */
  constructor(directory: string, key: string) {
    this.#directory = path.join(directory, shortHash(key));
    this.#key = key;
  }

  #file(contents: readonly string[]): string {
    return path.join(this.#directory, shortHash(contents.join()));
  }

  /**
   * @param contents hashes of the pixels of a batch
   * @returns the features of each photo; undefined when they are not there, or not to be trusted
   */
  async read(contents: readonly string[]): Promise<WeightValues | undefined> {
    // Whatever keeps the file from being read, the features can be computed again.
    const bytes = await readFile(this.#file(contents)).catch(() => undefined);
    const file = bytes && decodeWeightsFile(bytes);
    const header = headerSchema.safeParse(file?.header);
    const isMeant =
      header.success && header.data.key === this.#key && header.data.contents.join() === contents.join();
    return isMeant ? file?.groups['features'] : undefined;
  }

  /**
   * Puts the file in its place in one step, so that half of it is never read.
   *
   * @throws Error when the folder cannot be written to
   */
  async write(contents: readonly string[], features: WeightValues): Promise<void> {
    const header: z.infer<typeof headerSchema> = { key: this.#key, contents: [...contents] };
    try {
      await replaceFile(this.#file(contents), encodeWeightsFile({ header, groups: { features } }));
    } catch (cause) {
      const reason = errorText(cause);
      throw new Error(
        `The features cannot be kept in ${this.#directory} (${reason}). Give another folder, or none.`,
        { cause },
      );
    }
  }
}

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
  const cache = cacheDirectory === undefined ? undefined : new FeatureCache(cacheDirectory, backbone.key);
  const features: Float32Array[] = [];
  for (let start = 0; start < examples.length; start += BATCH) {
    await stopIfAborted(signal, 'while computing features');
    const batch = examples.slice(start, start + BATCH);
    const contents = batch.map(({ content }) => content);
    const kept = await cache?.read(contents);
    const extracted = kept ?? (await extractBatch(backbone, batch));
    if (!kept) await cache?.write(contents, extracted);
    features.push(...extracted);
    onProgress?.(features.length, examples.length);
  }
  return features;
};
