import { createHash } from 'node:crypto';
import { pluralize } from '../../shared/text.ts';
import type { Dataset, Example } from '../../training/dataset.ts';
import type { Split } from '../../training/split.ts';
import type { SeenPhotos } from '../photos-file.ts';

/** Of each class, for the test and for watching the training. */
const SHARE = 0.1;
/** Below so many photos of a class, the figures on it say little. */
const FEW = 20;
/** How many times as many photos the largest class may have as the smallest before it is worth a word. */
const UNBALANCED = 5;

export interface HoldOutOptions {
  readonly dataset: Pick<Dataset, 'labels' | 'examples'>;
  /** Photos given for the test alone, labelled as the dataset is; absent: some of the dataset's are held out. */
  readonly test?: readonly Example[] | undefined;
  /** What the model has seen that the training goes on from. */
  readonly seen: SeenPhotos;
  readonly seed: number;
  readonly warn: (text: string) => void;
}

const rank = ({ content }: Example, seed: number) =>
  createHash('sha256').update(`${seed}:${content}`).digest('hex');

/** At least one where there are enough, so that no class goes unmeasured. */
const shareOf = (count: number) => Math.max(1, Math.round(count * SHARE));

const tooFew = (name: string, reason: string) =>
  new Error(`The class ${name} ${reason}. Add photos of it (a few dozen at least), or take its folder away.`);

/** One class of a dataset, ranked by seed and content. */
const splitClass = (name: string, ranked: readonly Example[], options: HoldOutOptions): Split => {
  const { test: given, seen, warn } = options;
  const learned = new Set(seen.train);
  const watched = new Set([...seen.train, ...seen.validation]);
  const tested = new Set(seen.test);
  // Photos that the earlier model was tested on stay with the test.
  const eligible = ranked
    .filter(({ content }) => !watched.has(content))
    .sort((a, b) => Number(tested.has(b.content)) - Number(tested.has(a.content)));
  const test = given ? [] : eligible.slice(0, Math.min(shareOf(ranked.length), ranked.length - 1));
  if (!given && ranked.length < 2)
    throw tooFew(name, 'has 1 photo, which cannot be both learned from and tested on');
  if (!given && test.length === 0) {
    warn(
      `The earlier model has seen all photos of the class ${name}: none is left to test it on. Add new ones.`,
    );
  }
  const rest = ranked.filter((example) => !test.includes(example));
  const validation = rest
    .filter(({ content }) => !learned.has(content))
    .slice(0, Math.min(shareOf(ranked.length), rest.length - 1));
  if (ranked.length < FEW) {
    warn(
      `The class ${name} has only ${pluralize(ranked.length, 'photo')}: what is learned and measured of it says little. Add more.`,
    );
  }
  return { train: rest.filter((example) => !validation.includes(example)), validation, test };
};

/**
 * Divides photos into those to learn from, those to watch the training on, and those to test on. Held out are a tenth of
 * each class for each, chosen by seed and content, so that another order, other names or more photos change little.
 *
 * @throws Error that names a class with too few photos, or when nothing is left to test on
 */
export const holdOut = (options: HoldOutOptions): Split => {
  const { dataset, test: given, seen, seed, warn } = options;
  const forTest = new Set(given?.map(({ content }) => content));
  const parts = dataset.labels.map((name, label) => {
    const all = dataset.examples.filter((example) => example.label === label);
    const ranked = all
      .filter(({ content }) => !forTest.has(content))
      .map((example) => ({ example, key: rank(example, seed) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ example }) => example);
    if (ranked.length === 0) throw tooFew(name, 'has no photos to train on that are not test photos too');
    return splitClass(name, ranked, options);
  });
  const train = parts.flatMap((part) => part.train);
  const counts = parts.map((part) => part.train.length);
  if (Math.max(...counts) > UNBALANCED * Math.min(...counts)) {
    const sizes = dataset.labels.map((name, label) => `${name} ${counts[label]}`).join(', ');
    warn(
      `The classes differ much in size (${sizes}). If the rare ones matter as much, set the hyperparameter "balanced" to "true".`,
    );
  }
  const watched = new Set([...seen.train, ...seen.validation]);
  const test = given?.filter(({ content }) => !watched.has(content)) ?? parts.flatMap((part) => part.test);
  const leaked = (given?.length ?? 0) - (given ? test.length : 0);
  if (leaked > 0)
    warn(
      `Left out: ${pluralize(leaked, 'test photo')} that the earlier model learned from or was watched on.`,
    );
  if (test.length === 0)
    throw new Error(
      'No photos are left to test on: the earlier model has seen all of them. Give new ones in the channel test.',
    );
  return { train, validation: parts.flatMap((part) => part.validation), test };
};
