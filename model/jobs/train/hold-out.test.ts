import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, shuffled } from '../../shared/random.ts';
import { example } from '../../shared/test-pictures.ts';
import type { Example } from '../../training/dataset.ts';
import { type Split, splitDataset } from '../../training/split.ts';
import { NOTHING_SEEN, type SeenPhotos, seenAfter } from '../photos-file.ts';
import { type HoldOutOptions, holdOut } from './hold-out.ts';

const LABELS = ['daisy', 'rose', 'tulip'];

const photos = (sizes: readonly number[], prefix = 'photo'): Example[] =>
  sizes.flatMap((size, label) =>
    Array.from({ length: size }, (_, index) => example(label, `${prefix} ${label} ${index}`)),
  );

const divide = (examples: readonly Example[], options: Partial<HoldOutOptions> = {}) => {
  const warnings: string[] = [];
  const split = holdOut({
    dataset: { labels: LABELS, examples },
    seen: NOTHING_SEEN,
    seed: 1,
    warn: (text) => warnings.push(text),
    ...options,
  });
  return { split, warnings };
};

const contents = (part: readonly Example[]) => part.map(({ content }) => content).sort();
const sizes = ({ train, validation, test }: Split) =>
  [train, validation, test].map((part) =>
    LABELS.map((_, label) => part.filter((entry) => entry.label === label).length),
  );

test('of ordinary classes it holds out what the splitting of datasets does', () => {
  const examples = photos([40, 104, 200]);
  const { split, warnings } = divide(examples, { seed: 3 });
  assert.deepEqual(split, splitDataset({ labels: LABELS, examples }, { seed: 3 }));
  assert.deepEqual(warnings, []);
});

test('neither the order nor the names of the files matter', () => {
  const examples = photos([25, 30, 35]);
  const renamed = shuffled(examples, seededRandom(2)).map((entry) => ({ ...entry, file: 'x.jpg' }));
  assert.deepEqual(
    Object.values(divide(renamed).split).map(contents),
    Object.values(divide(examples).split).map(contents),
  );
});

test('of small classes at least one photo is held out for each, as long as one remains to learn from', () => {
  const { split, warnings } = divide(photos([3, 2, 30]));
  assert.deepEqual(sizes(split), [
    [1, 1, 24],
    [1, 0, 3],
    [1, 1, 3],
  ]);
  assert.equal(warnings.filter((text) => /The class (daisy|rose) has only [23] photos/.test(text)).length, 2);
});

test('a class of a single photo is refused by its name, with what to do', () => {
  assert.throws(() => divide(photos([30, 1, 30])), {
    message: /The class rose has 1 photo.* Add photos of it .* or take its folder away/,
  });
});

test('classes of very different size are worth a warning', () => {
  assert.match(divide(photos([200, 20, 90])).warnings.join(), /daisy 160, rose 16, tulip 72.*"balanced"/);
  assert.doesNotMatch(divide(photos([90, 20, 90])).warnings.join(), /balanced/);
});

test('test photos that are given are all tested on, and never learned from or watched', () => {
  const test = [...photos([5, 5, 0], 'given'), ...photos([4, 0, 0])];
  const { split } = divide(photos([30, 30, 30]), { test });
  assert.deepEqual(contents(split.test), contents(test));
  assert.deepEqual(sizes(split), [
    [23, 27, 27],
    [3, 3, 3],
    [9, 5, 0],
  ]);
  const tested = new Set(contents(test));
  assert.ok([...split.train, ...split.validation].every(({ content }) => !tested.has(content)));
});

test('a class whose photos are all test photos too has none to learn from', () => {
  assert.throws(() => divide(photos([30, 3, 30]), { test: photos([0, 3, 0]) }), {
    message: /The class rose has no photos to train on that are not test photos too/,
  });
});

/** What a model has seen that was trained on these. */
const seenOf = (examples: readonly Example[]): SeenPhotos => seenAfter(divide(examples).split, NOTHING_SEEN);

test('what an earlier model learned from or was watched on is never tested on, however the data grew', () => {
  const seen = seenOf(photos([50, 50, 50]));
  const grown = [...photos([80, 50, 61]), ...photos([40, 40, 40], 'new')];
  const { split } = divide(grown, { seen });
  const watched = new Set([...seen.train, ...seen.validation]);
  assert.ok(split.test.every(({ content }) => !watched.has(content)));
  const kept = new Set(contents(split.test));
  assert.ok(
    seen.test.every((content) => kept.has(content)),
    'what was tested on still is',
  );
  const learned = new Set(seen.train);
  assert.ok(split.validation.every(({ content }) => !learned.has(content)));
  assert.deepEqual(sizes(split)[2], [12, 9, 10]);
  assert.equal(split.train.length + split.validation.length + split.test.length, grown.length);
});

test('the same data again gives the same parts', () => {
  const examples = photos([50, 50, 50]);
  const { split } = divide(examples, { seen: seenOf(examples) });
  assert.deepEqual(Object.values(split).map(contents), Object.values(divide(examples).split).map(contents));
});

test('given test photos that the earlier model has seen are left out, with a warning', () => {
  const examples = photos([50, 50, 50]);
  const seen = seenOf(examples);
  const leaked = examples.filter(({ content }) => seen.train.includes(content)).slice(0, 4);
  const { split, warnings } = divide(photos([40, 40, 40], 'other'), {
    seen,
    test: [...leaked, ...photos([2, 2, 2], 'fresh')],
  });
  assert.deepEqual(contents(split.test), contents(photos([2, 2, 2], 'fresh')));
  assert.match(warnings.join(), /Left out: 4 test photos that the earlier model learned from/);
});

test('when the earlier model has seen everything, there is nothing to test on', () => {
  const examples = photos([5, 5, 5]);
  const seen = { ...NOTHING_SEEN, train: contents(examples) };
  assert.throws(() => divide(examples, { seen }), { message: /No photos are left to test on.*channel test/ });
});

test('what two models in a row have seen is what either has', () => {
  const first = seenOf(photos([20, 20, 20]));
  const { split } = divide(photos([30, 30, 30], 'other'), { seen: first });
  const second = seenAfter(split, first);
  for (const content of [...first.train, ...contents(split.train)]) assert.ok(second.train.includes(content));
  for (const content of first.validation) assert.ok(second.validation.includes(content));
  assert.deepEqual([...second.test].sort(), contents(split.test));
  const train = new Set(second.train);
  assert.ok(second.validation.every((content) => !train.has(content)));
});
