import { CHANNELS, TRAINING_PATHS } from '../../contract/sagemaker-jobs.ts';
import { pluralize } from '../../shared/text.ts';
import type { Dataset } from '../../training/dataset.ts';
import type { Split } from '../../training/split.ts';
import type { OptMl } from '../opt-ml.ts';
import { holdsPhotos, readPhotoFolder } from '../photo-folder.ts';
import type { SeenPhotos } from '../photos-file.ts';
import { holdOut } from './hold-out.ts';
import { testExamples } from './test-channel.ts';

export interface PhotosOptions {
  readonly optMl: OptMl;
  /** What the model has seen that the training goes on from. */
  readonly seen: SeenPhotos;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly warn: (text: string) => void;
}

export interface Photos {
  readonly dataset: Dataset;
  readonly split: Split;
}

/** The photos of the channels `train` and `test`, divided by what they are for. */
export const readPhotos = async ({
  optMl,
  seen,
  seed,
  signal,
  say,
  warn,
}: PhotosOptions): Promise<Photos> => {
  const folder = (channel: string) => optMl.at(TRAINING_PATHS.channels, channel);
  const read = (channel: string) =>
    readPhotoFolder(folder(channel), { name: `channel ${channel}`, say, warn, signal });
  if (!(await holdsPhotos(folder(CHANNELS.train)))) {
    throw new Error(
      `The channel ${CHANNELS.train} holds no photos: ${folder(CHANNELS.train)} must hold one folder of photos per class. Look at TrainData, the S3 prefix that it comes from.`,
    );
  }
  const dataset = await read(CHANNELS.train);
  const tests = (await holdsPhotos(folder(CHANNELS.test))) ? await read(CHANNELS.test) : undefined;
  const test = tests && testExamples(dataset, tests, warn);
  const split = holdOut({ dataset, test, seen, seed, warn });
  say(
    `Training on ${pluralize(split.train.length, 'photo')}, watching ${split.validation.length}, testing on ${split.test.length}.`,
  );
  return { dataset, split };
};
