import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleCalibration, exampleMetrics } from '../report/example-metrics.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { metricsSchema, wilsonInterval } from './metrics.ts';

/** Newcombe 1998 (Statistics in Medicine 17, table I, method 3), to the four digits given there. */
const PUBLISHED: readonly (readonly [correct: number, count: number, interval: [number, number]])[] = [
  [81, 263, [0.2553, 0.3662]],
  [15, 148, [0.0624, 0.1605]],
  [0, 20, [0, 0.1611]],
  [1, 29, [0.0061, 0.1718]],
];

for (const [correct, count, interval] of PUBLISHED) {
  test(`Wilson's interval of ${correct} in ${count} is the published one`, () =>
    assertClose(wilsonInterval(correct, count), interval, 5e-5));
}

test('the interval mirrors when right and wrong are exchanged', () => {
  const [low, high] = wilsonInterval(280, 300);
  assertClose(wilsonInterval(20, 300), [1 - high, 1 - low], 1e-12);
});

test('the interval stays within 0 and 1 and holds the share', () => {
  for (const count of [1, 2, 10, 1000]) {
    for (const correct of [0, Math.floor(count / 2), count]) {
      const [low, high] = wilsonInterval(correct, count);
      const rounding = 1e-12;
      assert.ok(low >= 0 && low <= correct / count + rounding);
      assert.ok(high <= 1 && high >= correct / count - rounding);
    }
  }
});

test('more photos make the interval narrower', () => {
  const width = (count: number) => {
    const [low, high] = wilsonInterval(count * 0.9, count);
    return high - low;
  };
  assert.ok(width(100) > width(1000) && width(1000) > width(10_000));
});

test('metrics survive their JSON file', () => {
  assert.deepEqual(metricsSchema.parse(JSON.parse(JSON.stringify(exampleMetrics()))), exampleMetrics());
});

test('figures of a calibration survive it too', () => {
  const calibrated = exampleMetrics({ calibration: exampleCalibration() });
  assert.deepEqual(metricsSchema.parse(JSON.parse(JSON.stringify(calibrated))), calibrated);
});

test('metrics with an impossible share are refused', () => {
  const wrong = exampleMetrics({ test: { ...exampleMetrics().test, accuracy: 94 } });
  assert.equal(metricsSchema.safeParse(wrong).success, false);
});
