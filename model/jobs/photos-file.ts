import path from 'node:path';
import { z } from 'zod';
import { PHOTOS_FILE } from '../contract/sagemaker-jobs.ts';
import type { Split } from '../training/split.ts';
import { jsonText, readIfThere } from './files.ts';

const hashes = z.array(z.string());

const photosSchema = z.object({ train: hashes, validation: hashes, test: hashes });

/** Content hashes of the photos that a model has learned from, was watched on, and may be tested on. */
export type SeenPhotos = z.infer<typeof photosSchema>;

export const NOTHING_SEEN: SeenPhotos = { train: [], validation: [], test: [] };

const contents = (part: Split[keyof Split]) => part.map(({ content }) => content);

/**
 * What a model has seen that went on from one which had seen `earlier`: all that either learned from. A photo that any
 * of them was watched on is never again one to test on.
 */
export const seenAfter = (split: Split, earlier: SeenPhotos): SeenPhotos => {
  const train = new Set([...earlier.train, ...contents(split.train)]);
  const validation = new Set([...earlier.validation, ...contents(split.validation)]);
  return {
    train: [...train],
    validation: [...validation].filter((content) => !train.has(content)),
    test: contents(split.test),
  };
};

export const photosFileText = (seen: SeenPhotos): string => jsonText(seen);

/**
 * @param directory an unpacked model archive
 * @throws Error when it was not made by our training
 */
export const readPhotosFile = async (directory: string): Promise<SeenPhotos> => {
  const text = await readIfThere(path.join(directory, PHOTOS_FILE));
  if (text === undefined) {
    throw new Error(
      `The model's archive holds no ${PHOTOS_FILE}, which says what photos the model has seen. Give an archive that this image's training made.`,
    );
  }
  return photosSchema.parse(JSON.parse(text.toString()));
};
