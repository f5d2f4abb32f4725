import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, shuffled } from '../shared/random.ts';
import { example } from '../shared/test-pictures.ts';
import type { Dataset, Example } from './dataset.ts';
import {
  alignTestPhotos,
  EMPTY_MANIFEST,
  extendManifest,
  type LeakFreeSplitOptions,
  leakFreeSplit,
  type Split,
  type SplitManifest,
  trainValidationTestSplit,
} from './split.ts';

const labels = ['daisy', 'rose', 'tulip'];
const photos = (sizes: readonly number[], prefix = 'photo'): Example[] =>
  sizes.flatMap((size, label) =>
    Array.from({ length: size }, (_, index) => example(label, `${prefix} ${label} ${index}`)),
  );
const examples = photos([40, 100, 200]);

const contents = (part: readonly Example[]) => part.map(({ content }) => content).sort();
const parts = ({ train, validation, test }: Split) => [train, validation, test].map(contents);
const sizes = (part: readonly Example[]) =>
  labels.map((_, label) => part.filter((entry) => entry.label === label).length);
const sizesByPart = ({ train, validation, test }: Split) => [train, validation, test].map(sizes);

test('every class is split in the same proportions, and each photo is in one part', () => {
  for (const [shares, ...expected] of [
    [{ test: 0.15, validation: 0.1 }, '30,75,150', '4,10,20', '6,15,30'],
    [{}, '32,80,160', '4,10,20', '4,10,20'],
    [{ test: 0, validation: 0 }, '40,100,200', '0,0,0', '0,0,0'],
  ] as const) {
    const split = trainValidationTestSplit({ labels, examples }, shares);
    assert.deepEqual(sizesByPart(split).map(String), expected);
    assert.deepEqual(parts(split).flat().sort(), contents(examples));
  }
});

test('the seed and the content decide the parts, not the order nor the names of the files', () => {
  const of = (examples: readonly Example[], seed: number) =>
    parts(trainValidationTestSplit({ labels, examples }, { seed }));
  const renamed = shuffled(examples, seededRandom(1)).map((entry) => ({ ...entry, file: 'IMG.jpg' }));
  assert.deepEqual(of(renamed, 3), of(examples, 3));
  assert.notDeepEqual(of(examples, 4), of(examples, 3));
});

test('a class with too few photos for the requested parts is refused by name', () => {
  const few = photos([40, 3, 40]);
  assert.throws(() => trainValidationTestSplit({ labels, examples: few }), /class rose has 3 photos/);
});

const divide = (examples: readonly Example[], options: Partial<LeakFreeSplitOptions> = {}) => {
  const warnings: string[] = [];
  const split = leakFreeSplit({
    dataset: { labels, examples },
    seen: EMPTY_MANIFEST,
    seed: 1,
    warn: (text) => warnings.push(text),
    ...options,
  });
  return { split, warnings };
};

test('for ordinary classes it holds out as many as the split of a dataset', () => {
  const examples = photos([40, 104, 200]);
  const { split, warnings } = divide(examples, { seed: 3 });
  assert.deepEqual(split, trainValidationTestSplit({ labels, examples }, { seed: 3 }));
  assert.deepEqual(warnings, []);
});

test('in small classes at least one photo is held out, as long as one remains to train on', () => {
  const { split, warnings } = divide(photos([3, 2, 30]));
  assert.deepEqual(sizesByPart(split).map(String), ['1,1,24', '1,0,3', '1,1,3']);
  assert.equal(warnings.filter((text) => /The class (daisy|rose) has only [23] photos/.test(text)).length, 2);
});

test('classes of very different sizes give a warning', () => {
  assert.match(divide(photos([200, 20, 90])).warnings.join(), /daisy 160, rose 16, tulip 72.*"balanced"/);
  assert.doesNotMatch(divide(photos([90, 20, 90])).warnings.join(), /balanced/);
});

test('a class of a single photo, or whose photos are all test photos too, is refused by its name', () => {
  assert.throws(
    () => divide(photos([30, 1, 30])),
    /The class rose has 1 photo.* Add photos of it .* or remove its folder/,
  );
  assert.throws(
    () => divide(photos([30, 3, 30]), { test: photos([0, 3, 0]) }),
    /The class rose has no training photos that are not test photos too/,
  );
});

/** What a model has seen that was trained on these. */
const seenOf = (examples: readonly Example[]): SplitManifest =>
  extendManifest(divide(examples).split, EMPTY_MANIFEST);

test('photos that an earlier model was trained or validated on are never used for testing, however the data grew', () => {
  const examples = photos([50, 50, 50]);
  const seen = seenOf(examples);
  assert.deepEqual(parts(divide(examples, { seen }).split), parts(divide(examples).split), 'the same data');
  const grown = [...photos([80, 50, 61]), ...photos([40, 40, 40], 'new')];
  const { split } = divide(grown, { seen });
  const [, validation = [], test = []] = parts(split);
  assert.ok(![...seen.train, ...seen.validation].some((content) => test.includes(content)));
  assert.ok(
    seen.test.every((content) => test.includes(content)),
    'what was tested on still is',
  );
  assert.ok(!seen.train.some((content) => validation.includes(content)));
  assert.deepEqual(sizes(split.test), [12, 9, 10]);
  assert.deepEqual(parts(split).flat().sort(), contents(grown));
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
  assert.match(warnings.join(), /Left out: 4 test photos that the earlier model was trained on/);
});

test('when the earlier model has seen everything, there is nothing to test on', () => {
  const examples = photos([5, 5, 5]);
  const seen = { ...EMPTY_MANIFEST, train: contents(examples) };
  assert.throws(() => divide(examples, { seen }), {
    message: /No photos are left for testing.*channel test/,
  });
});

test('photos seen by two models in a row are those seen by either', () => {
  const first = seenOf(photos([20, 20, 20]));
  const { split } = divide(photos([30, 30, 30], 'other'), { seen: first });
  const { train, validation, test } = extendManifest(split, first);
  assert.deepEqual(train, [...first.train, ...split.train.map(({ content }) => content)]);
  assert.deepEqual(validation, [...first.validation, ...split.validation.map(({ content }) => content)]);
  assert.deepEqual(test.toSorted(), contents(split.test));
});

const dataset = (labels: readonly string[], contents: readonly (readonly string[])[]): Dataset => ({
  labels,
  examples: contents.flatMap((names, label) => names.map((name) => example(label, name))),
  skipped: [],
});

const TRAIN = dataset(labels, [['a', 'b'], ['c'], ['d']]);

test("test photos are numbered by the training's classes; the very same photos do not count", () => {
  for (const [test, expected, warned] of [
    [
      dataset(['rose', 'tulip'], [['x'], ['y']]),
      ['1 x', '2 y'],
      /^The channel test has no photos of daisy: /,
    ],
    [dataset(labels, [['b', 'a'], ['c'], ['d']]), undefined, /a tenth of each class of train is held out/],
    // The same photos under other names of classes are not the same.
    [dataset(labels, [['c'], ['a'], ['d']]), ['0 c', '1 a', '2 d'], /^Left out of train: 3 photos/],
    [dataset(labels, [['a'], ['c'], ['x']]), ['0 a', '1 c', '2 x'], /^Left out of train: 2 photos that are/],
  ] as const) {
    const warnings: string[] = [];
    const examples = alignTestPhotos(TRAIN, test, (text) => warnings.push(text));
    assert.deepEqual(
      examples?.map(({ label, content }) => `${label} ${content}`),
      expected,
    );
    assert.match(warnings.join(), warned);
  }
});
