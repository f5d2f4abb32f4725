import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { PHOTOS_FILE } from '../contract/sagemaker-jobs.ts';
import { readFileIfExists } from '../shared/files.ts';
import { pluralize } from '../shared/text.ts';
import type { Dataset, Example } from './dataset.ts';

export interface Split {
  readonly train: readonly Example[];
  readonly validation: readonly Example[];
  readonly test: readonly Example[];
}

type Photos = Pick<Dataset, 'labels' | 'examples'>;

/**
 * Divides each class separately (stratified). A photo's rank depends only on the seed and its pixels, not on file
 * names, their order or the computer. Copies have been removed before, so that none is in two parts.
 */
const splitByClass = (
  { labels, examples }: Photos,
  seed: number,
  divide: (name: string, ranked: readonly Example[]) => Split,
): Split => {
  const rank = ({ content }: Example) => createHash('sha256').update(`${seed}:${content}`).digest('hex');
  const parts = labels.map((name, label) => {
    const ranked = examples
      .filter((example) => example.label === label)
      .map((example) => ({ example, key: rank(example) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    return divide(
      name,
      ranked.map(({ example }) => example),
    );
  });
  return {
    train: parts.flatMap((part) => part.train),
    validation: parts.flatMap((part) => part.validation),
    test: parts.flatMap((part) => part.test),
  };
};

interface SplitOptions {
  /** Share of each class held out for the final test. @default 0.1 */
  readonly test?: number;
  /** Share of each class held out for validation during training. @default 0.1 */
  readonly validation?: number;
  /** @default 1 */
  readonly seed?: number;
}

/**
 * Splits every class in the same proportions, by seed and content.
 *
 * @throws Error that names a class with too few photos for one of the parts
 *
 * @example
 * const examples = Array.from({ length: 10 }, (_, index) => ({ ...example, content: `photo-${index}` }));
 * const { train, test } = trainValidationTestSplit({ labels: ['rose'], examples }, { seed: 7 });
 * [train.length, test.length]; // => [8, 1]
 */
export const trainValidationTestSplit = (
  photos: Photos,
  { test = 0.1, validation = 0.1, seed = 1 }: SplitOptions = {},
): Split =>
  splitByClass(photos, seed, (name, ranked) => {
    const testEnd = Math.round(ranked.length * test);
    const validationEnd = testEnd + Math.round(ranked.length * validation);
    const parts = {
      test: ranked.slice(0, testEnd),
      validation: ranked.slice(testEnd, validationEnd),
      train: ranked.slice(validationEnd),
    };
    const shares = { test, validation, train: 1 - test - validation };
    for (const part of ['test', 'validation', 'train'] as const)
      if (parts[part].length === 0 && (part === 'train' || shares[part] > 0))
        throw new Error(
          `The class ${name} has ${pluralize(ranked.length, 'photo')}: a share of ${shares[part]} for ${part} is less than one photo. Add photos, leave out the class, or change the shares.`,
        );
    return parts;
  });

const hashes = z.array(z.string());
const manifestSchema = z.object({ train: hashes, validation: hashes, test: hashes });

/** Content hashes of the photos that a model was trained on, was validated on, and may be tested on. */
export type SplitManifest = z.infer<typeof manifestSchema>;

export const EMPTY_MANIFEST: SplitManifest = { train: [], validation: [], test: [] };

const contents = (part: readonly Example[]) => part.map(({ content }) => content);

/**
 * The manifest of a model that was trained further from an earlier one: all photos that either was trained on. A photo
 * that was used for validation in any of them is never used for testing again.
 */
export const extendManifest = (split: Split, earlier: SplitManifest): SplitManifest => {
  const train = new Set([...earlier.train, ...contents(split.train)]);
  const validation = new Set([...earlier.validation, ...contents(split.validation)]);
  return {
    train: [...train],
    validation: [...validation].filter((content) => !train.has(content)),
    test: contents(split.test),
  };
};

/**
 * @param directory an unpacked model archive
 * @throws Error if it was not created by our training
 */
export const readSplitManifest = async (directory: string): Promise<SplitManifest> => {
  const text = await readFileIfExists(path.join(directory, PHOTOS_FILE));
  if (text === undefined) {
    throw new Error(
      `The model's archive has no ${PHOTOS_FILE}, which records the photos that the model has seen. Give an archive from a training of this image.`,
    );
  }
  return manifestSchema.parse(JSON.parse(text.toString()));
};

/** Share of each class for testing, and for validation. */
const SHARE = 0.1;
/** With fewer photos of a class, its figures mean little. */
const FEW = 20;
/** Ratio of the largest to the smallest class above which there is a warning. */
const UNBALANCED = 5;

export interface LeakFreeSplitOptions {
  readonly dataset: Photos;
  /** Separate test photos with the dataset's labels. @default - some of the dataset's photos are held out */
  readonly test?: readonly Example[] | undefined;
  /** Manifest of the model that the training starts from. */
  readonly seen: SplitManifest;
  readonly seed: number;
  readonly warn: (text: string) => void;
}

const unusable = (name: string, reason: string) =>
  new Error(`The class ${name} ${reason}. Add photos of it (a few dozen at least), or remove its folder.`);

/** One class of a dataset, ranked by seed and content. */
const splitClass = (
  name: string,
  ranked: readonly Example[],
  { test: given, seen, warn }: LeakFreeSplitOptions,
): Split => {
  const { length } = ranked;
  if (length === 0) throw unusable(name, 'has no training photos that are not test photos too');
  if (!given && length < 2)
    throw unusable(name, 'has 1 photo, which cannot be used for both training and testing');
  const learned = new Set(seen.train);
  const used = new Set([...seen.train, ...seen.validation]);
  const tested = new Set(seen.test);
  // At least one if there are enough, so that every class is tested.
  const share = Math.max(1, Math.round(length * SHARE));
  // Photos that the earlier model was tested on remain test photos.
  const eligible = ranked
    .filter(({ content }) => !used.has(content))
    .sort((a, b) => Number(tested.has(b.content)) - Number(tested.has(a.content)));
  const test = given ? [] : eligible.slice(0, Math.min(share, length - 1));
  if (!given && test.length === 0)
    warn(
      `The earlier model has seen all photos of the class ${name}: none is left for testing. Add new ones.`,
    );
  const rest = ranked.filter((example) => !test.includes(example));
  const unlearned = rest.filter(({ content }) => !learned.has(content));
  const validation = unlearned.slice(0, Math.min(share, rest.length - 1));
  if (length < FEW)
    warn(`The class ${name} has only ${pluralize(length, 'photo')}: its figures mean little. Add more.`);
  return { train: rest.filter((example) => !validation.includes(example)), validation, test };
};

/**
 * Splits photos so that no test photo has been seen by an earlier model. A tenth of each class is held out for
 * validation and another for testing, by seed and content, so that the order, names and additional photos change
 * little.
 *
 * @throws Error that names a class with too few photos, or if nothing is left for testing
 */
export const leakFreeSplit = (options: LeakFreeSplitOptions): Split => {
  const { dataset, test: given, seen, seed, warn } = options;
  const forTest = new Set(given && contents(given));
  const { labels } = dataset;
  const examples = dataset.examples.filter(({ content }) => !forTest.has(content));
  const parts = splitByClass({ labels, examples }, seed, (name, ranked) => splitClass(name, ranked, options));
  const counts = labels.map((_, label) => parts.train.filter((example) => example.label === label).length);
  if (Math.max(...counts) > UNBALANCED * Math.min(...counts))
    warn(
      `The classes differ much in size (${labels.map((name, label) => `${name} ${counts[label]}`).join(', ')}). If the rare ones matter as much, set the hyperparameter "balanced" to "true".`,
    );
  const used = new Set([...seen.train, ...seen.validation]);
  const test = given?.filter(({ content }) => !used.has(content)) ?? parts.test;
  const leaked = given ? given.length - test.length : 0;
  if (leaked > 0)
    warn(
      `Left out: ${pluralize(leaked, 'test photo')} that the earlier model was trained on or validated on.`,
    );
  if (test.length === 0)
    throw new Error(
      'No photos are left for testing: the earlier model has seen all of them. Put new ones into the channel test.',
    );
  return { ...parts, test };
};

const labelsAndContents = ({ labels, examples }: Dataset) =>
  examples
    .map(({ label, content }) => `${labels[label]} ${content}`)
    .sort()
    .join('\n');

/**
 * The test channel's photos with the labels of the training.
 *
 * @returns undefined if they are the same photos as the training's, of which some must then be held out
 * @throws Error if there are photos of a class that the training does not have
 */
export const alignTestPhotos = (
  train: Dataset,
  test: Dataset,
  warn: (text: string) => void,
): readonly Example[] | undefined => {
  if (labelsAndContents(train) === labelsAndContents(test)) {
    warn('The channel test has the same photos as train: a tenth of each class of train is held out.');
    return undefined;
  }
  const unknown = test.labels.filter((name) => !train.labels.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `The channel test has the classes ${unknown.join(', ')}, of which the channel train has no photos. Add some there, or remove the folders.`,
    );
  }
  const untested = train.labels.filter((name) => !test.labels.includes(name));
  if (untested.length > 0)
    warn(`The channel test has no photos of ${untested.join(', ')}: they will not be tested.`);
  const inTest = new Set(contents(test.examples));
  const both = train.examples.filter(({ content }) => inTest.has(content)).length;
  if (both > 0)
    warn(`Left out of train: ${pluralize(both, 'photo')} that ${both === 1 ? 'is' : 'are'} also in test.`);
  return test.examples.map((example) => ({
    ...example,
    label: train.labels.indexOf(test.labels[example.label] ?? ''),
  }));
};

/** The sizes of the parts, as a line of a log. */
export const describeSplit = ({ train, validation, test }: Split): string =>
  `Training on ${pluralize(train.length, 'photo')}, validating on ${validation.length}, testing on ${test.length}.`;
