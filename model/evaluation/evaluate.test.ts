import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadBackend } from '../backend/backend.ts';
import { buildNetwork } from '../network/network.ts';
import { exampleCalibration, exampleMetrics } from '../report/test-metrics.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { assertClose, example, noise } from '../shared/test-pictures.ts';
import { evaluate, networkPredictFn, type PredictFn } from './evaluate.ts';
import { metricsSchema } from './metrics.ts';
import {
  areaUnderRoc,
  confidenceBins,
  expectedCalibrationError,
  type Judged,
  rocCurve,
  wilsonInterval,
} from './statistics.ts';

before(() => loadBackend({ native: false }));

/** Answers with the probabilities that an example's content spells out, as in "0.1 0.9". */
const spelled: PredictFn = async (examples) =>
  examples.map(({ content }) => content.split(' ').map((share) => Number(share)));

test('each photo is counted under its truth and its answer', async () => {
  const examples = [
    example(0, '0.7 0.2 0.1'),
    example(0, '0.1 0.8 0.1'),
    example(1, '0.3 0.4 0.3'),
    example(2, '0.5 0.1 0.4'),
    example(2, '0.1 0.1 0.8'),
    example(2, '0 0 1'),
  ];
  const { confusion, correct, count, accuracy } = await evaluate(spelled, 3, examples);
  assert.deepEqual(confusion, [
    [1, 1, 0],
    [0, 1, 0],
    [1, 0, 2],
  ]);
  assert.deepEqual([correct, count], [4, 6]);
  assertClose([accuracy], [4 / 6], 1e-12);
});

test('the loss is the mean cross-entropy in nats', async () => {
  const examples = [example(0, '0.5 0.5'), example(1, '0.75 0.25')];
  const { loss } = await evaluate(spelled, 2, examples);
  assertClose([loss], [(Math.log(2) + Math.log(4)) / 2], 1e-12);
});

test('a probability of zero for the truth costs much, but not everything', async () => {
  const { loss } = await evaluate(spelled, 2, [example(0, '0 1')]);
  assert.ok(loss > 10 && Number.isFinite(loss));
});

test('photos are asked about in batches, and every one is counted', async () => {
  const sizes: number[] = [];
  const examples = Array.from({ length: 75 }, (_, index) => example(index % 2, '0.9 0.1'));
  const { confusion } = await evaluate(
    (batch) => {
      sizes.push(batch.length);
      return spelled(batch);
    },
    2,
    examples,
  );
  assert.ok(sizes.length > 1 && Math.max(...sizes) < 75, 'not all at once');
  assert.deepEqual(confusion, [
    [38, 0],
    [37, 0],
  ]);
});

test('a network answers with one row of probabilities per photo, independent of the others', async () => {
  const network = buildNetwork({ classes: 3, stem: 4, blocks: [6] });
  scramble(network, 2);
  const predict = networkPredictFn(network);
  const photos = [1, 2, 3].map((seed) => example(0, `noise ${seed}`, noise(seed)));
  const rows = await predict(photos);
  assert.equal(rows.length, 3);
  for (const row of rows) assertClose([row.length, row.reduce((sum, share) => sum + share, 0)], [3, 1], 1e-5);
  const [second = []] = await predict(photos.slice(1, 2));
  assertClose(second, rows[1] ?? [], 1e-5);
  assert.notDeepEqual(rows[0], rows[1]);
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
