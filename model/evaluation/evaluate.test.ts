import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose, example } from '../shared/test-pictures.ts';
import { evaluate, type PredictFn } from './evaluate.ts';
import {
  areaUnderRoc,
  confidenceBins,
  expectedCalibrationError,
  type Judged,
  rocCurve,
  wilsonInterval,
} from './statistics.ts';

/** Answers with the probabilities that an example's content spells out, as in "0.1 0.9". */
const spelled: PredictFn = async (examples) =>
  examples.map(({ content }) => content.split(' ').map((share) => Number(share)));

test('each photo is counted under its truth and its answer', async () => {
  const examples = [
    example(0, '0.7 0.2 0.1'),
    ...Array.from({ length: 80 }, () => example(0, '0.1 0.8 0.1')),
    example(1, '0.3 0.4 0.3'),
    example(2, '0.5 0.1 0.4'),
    example(2, '0.1 0.1 0.8'),
    example(2, '0 0 1'),
  ];
  const { confusion, correct, count, accuracy } = await evaluate(spelled, 3, examples);
  assert.deepEqual(confusion.map(String), ['1,80,0', '0,1,0', '1,0,2']);
  assert.deepEqual([correct, count], [4, 85]);
  assertClose([accuracy], [4 / 85], 1e-12);
});

test('the loss is the mean cross-entropy in nats; a probability of zero costs much, but not everything', async () => {
  const { loss } = await evaluate(spelled, 2, [example(0, '0.5 0.5'), example(1, '0.75 0.25')]);
  assertClose([loss], [(Math.log(2) + Math.log(4)) / 2], 1e-12);
  const { loss: high } = await evaluate(spelled, 2, [example(0, '0 1')]);
  assert.ok(high > 10 && Number.isFinite(high));
});

test('the curve goes from refusing all to keeping all; the area is the sum of the trapezoids below it', () => {
  for (const [known, unknown, expected] of [
    [[3, 4], [1, 2], 1],
    [[1, 2], [3, 4], 0],
    [[1, 1], [1, 1], 0.5],
    [[0.9, 0.8, 0.4, 0.7, 0.7], [0.1, 0.7, 0.5, 0.3], 0.85],
  ] as const) {
    const curve = rocCurve(known, unknown);
    assert.deepEqual(curve.at(0), { knownKept: 0, unknownKept: 0 });
    assert.deepEqual(curve.at(-1), { knownKept: 1, unknownKept: 1 });
    const area = curve.slice(1).reduce((sum, point, index) => {
      const before = curve[index] ?? point;
      return sum + (point.unknownKept - before.unknownKept) * ((point.knownKept + before.knownKept) / 2);
    }, 0);
    assertClose([area, areaUnderRoc(known, unknown)], [expected, expected], 1e-12);
  }
});

const answers = (confidence: number, right: number, wrong: number): Judged[] =>
  Array.from({ length: right + wrong }, (_, index) => ({ confidence, right: index < right }));

test('the calibration error is the distance between confidence and accuracy, weighted by photos', () => {
  for (const [judged, error] of [
    [[...answers(0.5, 5, 5), ...answers(0.9, 9, 1)], 0],
    [[...answers(0.6, 10, 0), ...answers(0.9, 5, 5)], 0.4],
  ] as const)
    assertClose([expectedCalibrationError(confidenceBins(judged, 2))], [error], 1e-12);
});

test("Wilson's interval is the published one, mirrors, and stays within 0 and 1", () => {
  // Newcombe 1998 (Statistics in Medicine 17, table I, method 3), to the four digits given there.
  for (const [correct, count, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    assertClose(wilsonInterval(correct, count), [low, high], 5e-5);
    assertClose(wilsonInterval(count - correct, count), [1 - high, 1 - low], 5e-5);
  }
  for (const count of [1, 2, 1000])
    for (const share of wilsonInterval(count, count)) assert.ok(share >= 0 && share <= 1);
});
