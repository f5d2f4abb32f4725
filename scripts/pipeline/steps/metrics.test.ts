import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';

const METRICS = [
  { Name: 'training:loss', Regex: '\\bloss=([0-9.]+);' },
  { Name: 'training:accuracy', Regex: 'accuracy=([0-9.]+);' },
];

test('a line shows the metrics that it holds, in short, and none of the lines before', () => {
  const metrics = new Metrics(METRICS);
  assert.equal(
    metrics.read('Epoch 1. loss=0.12345; accuracy=0.5;'),
    'Epoch 1. training:loss 0.123, training:accuracy 0.500',
  );
  assert.equal(metrics.read('Measuring.'), 'Measuring.');
  assert.equal(metrics.read('loss=0.1;'), 'training:loss 0.100');
});

test('the last value of each metric is kept in full', () => {
  const metrics = new Metrics(METRICS);
  for (const line of ['loss=0.5; accuracy=0.25;', 'no metrics', 'loss=0.12345;']) metrics.read(line);
  assert.deepEqual(metrics.final, [
    { MetricName: 'training:loss', Value: 0.12345 },
    { MetricName: 'training:accuracy', Value: 0.25 },
  ]);
});

test('what is no number is no metric', () => {
  const metrics = new Metrics(METRICS);
  assert.equal(metrics.read('loss=...;'), 'loss=...;');
  assert.deepEqual(metrics.final, []);
});
