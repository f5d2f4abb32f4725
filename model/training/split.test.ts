import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, shuffled } from '../shared/random.ts';
import { example } from '../shared/test-pictures.ts';
import type { Example } from './dataset.ts';
import { type Split, splitDataset } from './split.ts';

const labels = ['daisy', 'rose', 'tulip'];
const SIZES = [40, 100, 200];
const examples = SIZES.flatMap((size, label) =>
  Array.from({ length: size }, (_, index) => example(label, `picture-${label}-${index}`)),
);

const contents = (part: readonly Example[]) => part.map(({ content }) => content).sort();
const parts = ({ train, validation, test }: Split) => [train, validation, test].map(contents);
const sizes = (part: readonly Example[]) =>
  labels.map((_, label) => part.filter((entry) => entry.label === label).length);

test('every class is split in the same proportions', () => {
  const split = splitDataset({ labels, examples }, { test: 0.15, validation: 0.1 });
  assert.deepEqual(sizes(split.test), [6, 15, 30]);
  assert.deepEqual(sizes(split.validation), [4, 10, 20]);
  assert.deepEqual(sizes(split.train), [30, 75, 150]);
});

test('a tenth each is kept for test and validation by default', () => {
  const split = splitDataset({ labels, examples });
  assert.deepEqual(sizes(split.test), [4, 10, 20]);
  assert.deepEqual(sizes(split.validation), [4, 10, 20]);
});

test('each example lies in exactly one part', () => {
  const split = splitDataset({ labels, examples }, { test: 0.3, validation: 0.3 });
  assert.deepEqual(parts(split).flat().sort(), contents(examples));
});

test('neither the order nor the names of the files matter', () => {
  const expected = splitDataset({ labels, examples }, { seed: 3 });
  const renamed = shuffled(examples, seededRandom(1)).map((entry, index) => ({
    ...entry,
    file: `IMG_${index}.jpg`,
  }));
  assert.deepEqual(parts(splitDataset({ labels, examples: renamed }, { seed: 3 })), parts(expected));
});

test('the same seed gives the same parts, another seed others', () => {
  const [one, again, other] = [3, 3, 4].map((seed) => parts(splitDataset({ labels, examples }, { seed })));
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, other);
});

test('new photos of one class leave the parts of the others as they were', () => {
  const before = splitDataset({ labels, examples });
  const grown = [...examples, ...Array.from({ length: 30 }, (_, index) => example(2, `new-${index}`))];
  const after = splitDataset({ labels, examples: grown });
  const ofOthers = (part: readonly Example[]) => contents(part.filter(({ label }) => label !== 2));
  assert.deepEqual(ofOthers(after.test), ofOthers(before.test));
  assert.deepEqual(ofOthers(after.validation), ofOthers(before.validation));
});

test('shares of zero leave everything for training', () => {
  const split = splitDataset({ labels, examples }, { test: 0, validation: 0 });
  assert.deepEqual(parts(split), [contents(examples), [], []]);
});

test('a class with too few photos for the asked parts is refused by its name', () => {
  const few = [...examples, ...[1, 2, 3].map((index) => example(3, `lily ${index}`))];
  assert.throws(() => splitDataset({ labels: [...labels, 'lily'], examples: few }), { message: /lily/ });
});
