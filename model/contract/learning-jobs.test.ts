import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ACCURACY_PATH, evaluationReport, METRIC_DEFINITIONS, metricsLine } from './learning-jobs.ts';

const EPOCH = {
  training: { loss: 1.25, accuracy: 0.5 },
  validation: { loss: 0.000004, accuracy: 1 },
};

/** Every number that a metric's pattern finds in a text. */
const found = (regex: string, text: string) =>
  [...text.matchAll(new RegExp(regex, 'g'))].map(([, value]) => Number(value));

test('each pattern finds its own number and no other', () => {
  const line = metricsLine(EPOCH);
  const numbers = METRIC_DEFINITIONS.map(({ Name, Regex }) => [Name, found(Regex, line)]);
  assert.deepEqual(numbers, [
    ['training:loss', [1.25]],
    ['training:accuracy', [0.5]],
    ['validation:loss', [0.000004]],
    ['validation:accuracy', [1]],
  ]);
});

test('without validation photos, its two patterns find nothing', () => {
  const line = metricsLine({ training: EPOCH.training });
  assert.deepEqual(
    METRIC_DEFINITIONS.map(({ Regex }) => found(Regex, line)),
    [[1.25], [0.5], [], []],
  );
});

test('the patterns find nothing in the keys of one another, nor in other lines', () => {
  for (const text of [
    'val_loss: 0.3; loss: 0.4; accuracy=0.9;',
    'training_loss=NaN;',
    'training_loss=0.12',
    'loss=0.500000; accuracy=0.500000;',
  ])
    assert.deepEqual(
      METRIC_DEFINITIONS.flatMap(({ Regex }) => found(Regex, text)),
      [],
      text,
    );
});

test('the accuracy lies in the report where the pipeline looks for it', () => {
  const report: unknown = JSON.parse(JSON.stringify(evaluationReport({ accuracy: 0.97 })));
  const value = ACCURACY_PATH.split('.').reduce(
    (node, key) => z.record(z.string(), z.unknown()).parse(node)[key],
    report,
  );
  assert.equal(value, 0.97);
});
