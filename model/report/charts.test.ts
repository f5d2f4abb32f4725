import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rasterize } from '../shared/svg.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { reliabilityDiagram, rocPicture, trainingCurves } from './charts.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { exampleCalibration, exampleMetrics } from './test-metrics.ts';

/** Every text of a picture, still escaped. */
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = '']) => text);

/** The heights of the points of every curve. */
const pointsOf = (svg: string): number[][] =>
  [...svg.matchAll(/points="([^"]*)"/g)].map(([, list = '']) =>
    list.split(' ').map((point) => Number(point.split(',')[1])),
  );

/** Fails when it is no valid picture. */
const assertValid = async (svg: string): Promise<void> => {
  assert.equal((await rasterize(svg).metadata()).format, 'svg');
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
};

describe('the training curves', () => {
  const { history } = exampleMetrics();

  test('show accuracies and losses, one point per epoch, on one scale', async () => {
    const svg = trainingCurves(history);
    await assertValid(svg);
    const [, validation = [], loss = [], ...others] = pointsOf(svg);
    assert.equal(others.length, 1);
    const [half = 0, , one = 0] = validation;
    assert.ok(one < half, 'y grows downwards');
    assertClose([loss[0] ?? 0, loss[2] ?? 0], [one, half], 0.11);
  });

  for (const epochs of [1, 2, 13, 119, 1000])
    test(`of ${epochs} epochs have a dozen ticks at most`, async () => {
      const epoch = { epoch: 1, trainingLoss: 1_234_567, trainingAccuracy: 0.3 };
      // Without validation, both its curves are left out.
      const svg = trainingCurves(Array.from({ length: epochs }, () => epoch));
      await assertValid(svg);
      assert.equal(pointsOf(svg).length, 2);
      const ticks = textsOf(svg).slice(6, -4);
      assert.equal(ticks[0], '1');
      assert.ok(ticks.length >= Math.min(epochs, 5) && ticks.length <= 13, ticks.join(' '));
      assert.equal(svg.includes('<circle'), epochs === 1, 'a line of one point is not seen');
    });
});

test('the reliability diagram names both errors and has a point for each bin', async () => {
  const svg = reliabilityDiagram(exampleCalibration());
  await assertValid(svg);
  const texts = textsOf(svg);
  assert.ok(texts.includes('before, error 15.0 %') && texts.includes('after, error 2.0 %'));
  const lengths = pointsOf(svg).map(({ length }) => length);
  assert.deepEqual(lengths, [2, 2]);
});

test('the ROC picture gives the area of each kind, and rises first when the kinds are distinguished', () => {
  const svg = rocPicture([2, 3], [{ kind: '<a>&', scores: [0, 1] }]);
  assert.ok(textsOf(svg).includes('&#60;a&#62;&#38;: 1.000'));
  const [curve = []] = pointsOf(svg);
  assert.equal(Math.min(...curve), curve[2], 'all known photos are kept before any other picture is');
});

describe('the confusion matrix', () => {
  test('names every class twice, and holds every count and its share of the true class, row by row', () => {
    const { labels, test: tested } = exampleMetrics();
    const texts = textsOf(confusionMatrix(labels, tested.confusion));
    for (const name of ['daisy', '&#60;b&#62;&#38;', 'a&#34;b'])
      assert.equal(texts.filter((text) => text === name).length, 2, name);
    assert.deepEqual(texts.filter((text) => /^\d+$/.test(text)).map(Number), tested.confusion.flat());
    const shares = texts.filter((text) => text.endsWith(' %'));
    assert.deepEqual(shares.slice(0, 3), ['81.8 %', '9.1 %', '9.1 %']);
    assert.equal(shares.length, 9);
  });

  test('of very many classes is of bounded size, and shows counts on hover', async () => {
    const name = '아주 긴 이름을 가진, 세상에서 가장 귀한 고산 식물의 꽃';
    const labels = Array.from({ length: 60 }, (_, index) => `${name} ${index}`);
    const counts = labels.map((_, truth) => labels.map((_, answer) => (truth === answer ? 3 : 0)));
    const drawn = confusionMatrix(labels, counts);
    await assertValid(drawn);
    const [, width, height] = /<svg[^>]* width="(\d+)" height="(\d+)"/.exec(drawn) ?? [];
    assert.ok(Number(width) <= 1500 && Number(height) <= 1300, `${width} x ${height}`);
    assert.match(drawn, /<title>아주 .*: 3 of 3</);
  });

  test('shows a single mistake among a hundred photos, and no share for a class without photos', () => {
    const counts = [
      [99, 1],
      [0, 0],
    ];
    const drawn = confusionMatrix(['a', 'b'], counts);
    const shades = [...drawn.matchAll(/60% ([\d.]+)%/g)].map(([, light]) => Number(light));
    const [, , single = 0, nothing = 0] = shades;
    assert.ok(nothing - single > 4, `${single} % is hardly darker than ${nothing} %`);
    assert.deepEqual(textsOf(drawn).slice(-8), ['99', '99.0 %', '1', '1.0 %', '0', '–', '0', '–']);
  });
});
