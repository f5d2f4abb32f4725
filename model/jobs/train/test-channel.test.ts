import assert from 'node:assert/strict';
import { test } from 'node:test';
import { example } from '../../shared/test-pictures.ts';
import type { Dataset } from '../../training/dataset.ts';
import { testExamples } from './test-channel.ts';

const dataset = (labels: readonly string[], contents: readonly (readonly string[])[]): Dataset => ({
  labels,
  examples: contents.flatMap((names, label) => names.map((name) => example(label, name))),
  skipped: [],
});

const TRAIN = dataset(['daisy', 'rose', 'tulip'], [['a', 'b'], ['c'], ['d']]);

const tested = (test: Dataset) => {
  const warnings: string[] = [];
  const examples = testExamples(TRAIN, test, (text) => warnings.push(text));
  return { examples: examples?.map(({ label, content }) => [label, content]), warnings };
};

test('test photos are numbered as the training numbers its classes', () => {
  const { examples, warnings } = tested(dataset(['rose', 'tulip'], [['x'], ['y', 'z']]));
  assert.deepEqual(examples, [
    [1, 'x'],
    [2, 'y'],
    [2, 'z'],
  ]);
  assert.deepEqual(warnings, ['The channel test has no photos of daisy: nothing will be known of them.']);
});

test('the very same photos, in whatever order, count as none', () => {
  const { examples, warnings } = tested(dataset(['daisy', 'rose', 'tulip'], [['b', 'a'], ['c'], ['d']]));
  assert.equal(examples, undefined);
  assert.match(warnings.join(), /a tenth of each class of train is held out/);
});

test('the same photos under other names of classes are not the same', () => {
  assert.ok(tested(dataset(['daisy', 'rose', 'tulip'], [['c'], ['a', 'b'], ['d']])).examples);
});

test('photos that lie in both are pluralize', () => {
  const { warnings } = tested(dataset(['daisy', 'rose', 'tulip'], [['a'], ['c'], ['x']]));
  assert.match(warnings.join(), /Left out of train: 2 photos that are also in test/);
});

test('a class that the training does not have is refused by its name', () => {
  assert.throws(() => tested(dataset(['lily', 'rose'], [['x'], ['y']])), {
    message: /classes lily, of which/,
  });
});
