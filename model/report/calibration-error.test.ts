import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../testing.ts';
import { confidenceBins, expectedCalibrationError, type Judged } from './calibration-error.ts';

const answers = (confidence: number, right: number, wrong: number): Judged[] => [
  ...Array.from({ length: right }, () => ({ confidence, right: true })),
  ...Array.from({ length: wrong }, () => ({ confidence, right: false })),
];

test('answers that are right as often as they say have no error', () => {
  const bins = confidenceBins([...answers(0.5, 5, 5), ...answers(0.9, 9, 1)], 2);
  assertClose([expectedCalibrationError(bins)], [0], 1e-12);
});

test('the error is the distance of confidence and accuracy, weighed by the photos', () => {
  const bins = confidenceBins([...answers(0.6, 10, 0), ...answers(0.9, 5, 5)], 2);
  assertClose([expectedCalibrationError(bins)], [0.4], 1e-12);
});

test('bins hold equally many answers, and none is lost', () => {
  const bins = confidenceBins(Array.from({ length: 219 }, (_, i) => ({ confidence: i / 219, right: true })));
  assert.equal(bins.length, 15);
  assert.equal(
    bins.reduce((sum, { count }) => sum + count, 0),
    219,
  );
  assert.ok(bins.every(({ count }) => count === 14 || count === 15));
});

test('fewer answers than bins leave no empty bin', () => {
  const bins = confidenceBins(answers(0.7, 2, 1));
  assert.equal(bins.length, 3);
});
