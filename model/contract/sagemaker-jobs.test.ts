import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import {
  ACCURACY_PATH,
  evaluationReport,
  METRIC_DEFINITIONS,
  metricsLine,
  RESULT_PATH,
} from './sagemaker-jobs.ts';

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

/** The value at a path of the report, for a number of correctly classified photos. */
const reported = (path: string, correct: number, count: number): unknown => {
  const report: unknown = JSON.parse(
    JSON.stringify(evaluationReport({ accuracy: correct / count, correct, count })),
  );
  return path.split('.').reduce((node, key) => z.record(z.string(), z.unknown()).parse(node)[key], report);
};

test('the report has the accuracy where the pipeline looks for it; its text is short, and rounds down', () => {
  const cases: [correct: number, count: number, words: string][] = [
    [8, 9, '8 of 9 test photos, a share of 0.8888'],
    [89_999, 100_000, '89999 of 100000 test photos, a share of 0.8999'],
    [29, 29, '29 of 29 test photos, a share of 1'],
    [0, 3, '0 of 3 test photos, a share of 0'],
  ];
  for (const [correct, count, words] of cases) {
    assert.equal(reported(ACCURACY_PATH, correct, count), correct / count);
    assert.equal(reported(RESULT_PATH, correct, count), words);
  }
});
