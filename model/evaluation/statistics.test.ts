import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../shared/test-pictures.ts';
import {
  areaUnderRoc,
  confidenceBins,
  expectedCalibrationError,
  type Judged,
  rocCurve,
} from './statistics.ts';

test('scores that never overlap have the area 1, exchanged 0, equal ones a half', () => {
  assert.equal(areaUnderRoc([3, 4], [1, 2]), 1);
  assert.equal(areaUnderRoc([1, 2], [3, 4]), 0);
  assert.equal(areaUnderRoc([1, 1], [1, 1]), 0.5);
});

test('the area is what the trapezoids below the curve add up to', () => {
  const [known, unknown] = [
    [0.9, 0.8, 0.4, 0.7, 0.7],
    [0.1, 0.7, 0.5, 0.3],
  ];
  const curve = rocCurve(known, unknown);
  const area = curve.slice(1).reduce((sum, point, index) => {
    const before = curve[index] ?? point;
    return sum + (point.unknownKept - before.unknownKept) * ((point.knownKept + before.knownKept) / 2);
  }, 0);
  assertClose([area], [areaUnderRoc(known, unknown)], 1e-12);
});

test('the curve goes from refusing all to keeping all', () => {
  const curve = rocCurve([2, 1], [1, 0]);
  assert.deepEqual(curve.at(0), { knownKept: 0, unknownKept: 0 });
  assert.deepEqual(curve.at(-1), { knownKept: 1, unknownKept: 1 });
});

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
