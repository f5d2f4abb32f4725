import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../testing.ts';
import { areaUnderRoc, rocCurve } from './roc.ts';

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
