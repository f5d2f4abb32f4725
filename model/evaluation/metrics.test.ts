import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleCalibration, exampleMetrics } from '../report/test-metrics.ts';
import { metricsSchema } from './metrics.ts';

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
