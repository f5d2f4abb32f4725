import { createHash } from 'node:crypto';
import { pluralize } from '../shared/text.ts';
import type { Dataset, Example } from './dataset.ts';

export interface SplitOptions {
  /** Share of each class kept for the final test. @default 0.1 */
  readonly test?: number;
  /** Share of each class kept for watching the training. @default 0.1 */
  readonly validation?: number;
  /** @default 1 */
  readonly seed?: number;
}

export interface Split {
  readonly train: readonly Example[];
  readonly validation: readonly Example[];
  readonly test: readonly Example[];
}

const rank = (example: Example, seed: number) =>
  createHash('sha256').update(`${seed}:${example.content}`).digest('hex');

const tooFew = (name: string, count: number, part: string, share: number) =>
  new Error(
    `The class ${name} has ${pluralize(count, 'photo')}: a share of ${share} of them for ${part} is none. Add photos, leave the class out, or change the shares.`,
  );

/**
 * Splits every class in the same proportions (stratified). A photo's place depends on the seed and on its pixels
 * only: file names, order and machine do not matter. Copies were removed before, so none straddles the parts.
 *
 * @throws Error that names a class with too few photos for one of the parts
 */
export const splitDataset = (
  { labels, examples }: Pick<Dataset, 'labels' | 'examples'>,
  { test = 0.1, validation = 0.1, seed = 1 }: SplitOptions = {},
): Split => {
  const classes = labels.map((name, label) => {
    const ranked = examples
      .filter((example) => example.label === label)
      .map((example) => ({ example, key: rank(example, seed) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ example }) => example);
    const testEnd = Math.round(ranked.length * test);
    const validationEnd = testEnd + Math.round(ranked.length * validation);
    const parts = { test, validation };
    const sizes = { test: testEnd, validation: validationEnd - testEnd };
    for (const part of ['test', 'validation'] as const) {
      if (parts[part] > 0 && sizes[part] === 0) throw tooFew(name, ranked.length, part, parts[part]);
    }
    if (validationEnd >= ranked.length) throw tooFew(name, ranked.length, 'train', 1 - test - validation);
    return {
      test: ranked.slice(0, testEnd),
      validation: ranked.slice(testEnd, validationEnd),
      train: ranked.slice(validationEnd),
    };
  });
  return {
    train: classes.flatMap((part) => part.train),
    validation: classes.flatMap((part) => part.validation),
    test: classes.flatMap((part) => part.test),
  };
};
