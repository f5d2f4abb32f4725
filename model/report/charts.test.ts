import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { element, label } from '../shared/svg.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { assertLegible, assertWellFormed, pointsOf, textsOf } from '../shared/test-svg.ts';
import { reliabilityDiagram, rocPicture, trainingCurves } from './charts.ts';
import { exampleCalibration, exampleMetrics } from './test-metrics.ts';

describe('the training curves', () => {
  const { history } = exampleMetrics();

  test('are well-formed and can be drawn', async () => {
    assertWellFormed(trainingCurves(history));
    assert.equal((await sharp(Buffer.from(trainingCurves(history))).metadata()).format, 'svg');
  });

  test('show accuracies and losses, one point an epoch', () => {
    const curves = pointsOf(trainingCurves(history));
    assert.deepEqual(
      curves.map((curve) => curve.length),
      [3, 3, 3, 3],
    );
  });

  test('put 1 above 0.5 above 0, on one scale for all', () => {
    const [, validation = [], loss = []] = pointsOf(trainingCurves(history));
    const [half = 0, , one = 0] = validation;
    assert.ok(one < half, 'y grows downwards');
    assertClose([loss[0] ?? 0, loss[2] ?? 0], [one, half], 0.11);
  });

  test('leave the validation out when there was none', () => {
    const svg = trainingCurves(history.map(({ validation: _, ...rest }) => rest));
    assertWellFormed(svg);
    assert.equal(pointsOf(svg).length, 2);
    assert.doesNotMatch(svg, /validation/);
  });

  test('of a single epoch are still to be seen: a line has two ends', () => {
    const svg = trainingCurves(history.slice(0, 1));
    assertWellFormed(svg);
    for (const curve of pointsOf(svg)) assert.equal(curve.length, 2);
    assert.ok(textsOf(svg).includes('Training over 1 epoch'));
  });

  test('of losses of 0 are drawn at the bottom', () => {
    const perfect = { epoch: 1, trainingLoss: 0, trainingAccuracy: 1 };
    assertWellFormed(trainingCurves([perfect, { ...perfect, epoch: 2 }]));
  });

  for (const epochs of [1, 2, 12, 13, 60, 119, 1000])
    test(`of ${epochs} epochs have a dozen ticks at most, and no text lies on another`, () => {
      const [epoch] = history;
      assert.ok(epoch);
      const huge = { ...epoch, trainingLoss: 1_234_567 };
      const svg = trainingCurves(Array.from({ length: epochs }, () => huge));
      assertLegible(svg);
      const ticks = textsOf(svg).filter((text) => /^\d+$/.test(text));
      assert.equal(ticks[0], '1');
      assert.ok(ticks.length >= Math.min(epochs, 5) && ticks.length <= 13, ticks.join(' '));
    });
});

describe('the reliability diagram', () => {
  test('is well-formed, can be drawn, and names both errors', async () => {
    const svg = reliabilityDiagram(exampleCalibration());
    assertWellFormed(svg);
    assert.equal((await sharp(Buffer.from(svg)).metadata()).format, 'svg');
    const texts = textsOf(svg);
    assert.ok(texts.includes('before, error 15.0 %') && texts.includes('after, error 2.0 %'));
  });

  test('has texts that lie apart, however large the errors are', () => {
    const { before } = exampleCalibration();
    assertLegible(reliabilityDiagram({ before: { ...before, error: 1 }, after: { ...before, error: 1 } }));
  });

  test('has a point for each bin', () => {
    assert.deepEqual(
      pointsOf(reliabilityDiagram(exampleCalibration())).map((curve) => curve.length),
      [2, 2],
    );
  });
});

describe('the ROC picture', () => {
  test('is well-formed whatever the kinds are called, and gives the area of each', () => {
    const svg = rocPicture([2, 3], [{ kind: '<a>&', scores: [0, 1] }]);
    assertWellFormed(svg);
    assert.ok(textsOf(svg).includes('&#60;a&#62;&#38;: 1.000'));
  });

  test('has room for many kinds with long names', () => {
    for (const kind of [
      'pictures of something altogether different',
      '전혀 다른 것을 찍은 아주 여러 가지 사진들',
    ]) {
      const kinds = Array.from({ length: 30 }, (_, index) => ({ kind: `${kind} ${index}`, scores: [0, 1] }));
      const svg = rocPicture([2, 3], kinds);
      assertLegible(svg);
      assert.equal(textsOf(svg).filter((text) => / 7: 1\.000$/.test(text)).length, 1);
    }
  });

  test('rises before it runs when the kinds are told apart', () => {
    const [curve = []] = pointsOf(rocPicture([2, 3], [{ kind: 'x', scores: [0, 1] }]));
    assert.equal(Math.min(...curve), curve[2], 'all known photos are kept before any other picture is');
  });
});

test('attributes and texts are escaped, content is not', () => {
  assert.equal(element('g', { id: '"<&>' }, '<a></a>'), '<g id="&#34;&#60;&#38;&#62;"><a></a></g>');
  assert.match(label(1, 2, '<b>&'), />&#60;b&#62;&#38;<\/text>$/);
});
