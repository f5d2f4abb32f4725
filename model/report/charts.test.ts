import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { element, label, rasterize } from '../shared/svg.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { reliabilityDiagram, rocPicture, trainingCurves } from './charts.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { exampleCalibration, exampleMetrics } from './test-metrics.ts';

/** Width and height of a picture, in pixels. */
const sizeOf = (svg: string): [width: number, height: number] => {
  const [, width, height] = /<svg[^>]* width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
  return [Number(width), Number(height)];
};

/** Every text of a picture, still escaped. */
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = '']) => text);

/** The heights of the points of every curve. */
const pointsOf = (svg: string): number[][] =>
  [...svg.matchAll(/points="([^"]*)"/g)].map(([, list = '']) =>
    list.split(' ').map((point) => Number(point.split(',')[1])),
  );

/** Width of most letters, in font sizes. */
const LETTER = 0.65;
const ANCHORS: Readonly<Record<string, number>> = { start: 0, middle: 0.5, end: 1 };

/** Where the texts are that are not turned. */
const boxesOf = (svg: string) =>
  [...svg.matchAll(/<text((?!.*rotate)[^>]*)>([^<]*)</g)].map(([, attributes = '', escaped = '']) => {
    const attribute = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1];
    const text = escaped.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
    const [x = 0, y = 0, size = 0] = [attribute('x'), attribute('y'), attribute('font-size') ?? 13].map(
      Number,
    );
    const width = text.length * LETTER * size;
    const left = x - width * (ANCHORS[attribute('text-anchor') ?? 'middle'] ?? 0);
    return { text, left, right: left + width, top: y - size / 2, bottom: y + size / 2 };
  });

/** Fails when it is no valid picture, a text is cut off at its edge, or lies on another. */
const assertLegible = async (svg: string): Promise<void> => {
  assert.equal((await rasterize(svg).metadata()).format, 'svg');
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  const [width, height] = sizeOf(svg);
  const boxes = boxesOf(svg);
  boxes.forEach((a, index) => {
    assert.ok(a.left >= 0 && a.right <= width && a.top >= 0 && a.bottom <= height, `${a.text} is cut off`);
    const other = boxes
      .slice(index + 1)
      .find((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom);
    assert.equal(other?.text, undefined, `${a.text} lies on another text`);
  });
};

describe('the training curves', () => {
  const { history } = exampleMetrics();

  test('show accuracies and losses, one point an epoch, on one scale', async () => {
    const svg = trainingCurves(history);
    await assertLegible(svg);
    const [, validation = [], loss = [], ...others] = pointsOf(svg);
    assert.equal(others.length, 1);
    const [half = 0, , one = 0] = validation;
    assert.ok(one < half, 'y grows downwards');
    assertClose([loss[0] ?? 0, loss[2] ?? 0], [one, half], 0.11);
  });

  test('leave the validation out when there was none; losses of 0 are at the bottom', async () => {
    const svg = trainingCurves(history.map(({ epoch }) => ({ epoch, trainingLoss: 0, trainingAccuracy: 1 })));
    await assertLegible(svg);
    assert.equal(pointsOf(svg).length, 2);
    assert.doesNotMatch(svg, /validation/);
  });

  for (const epochs of [1, 2, 13, 60, 119, 1000])
    test(`of ${epochs} epochs have a dozen ticks at most, and no text lies on another`, async () => {
      const epoch = { epoch: 1, trainingLoss: 1_234_567, trainingAccuracy: 0.3 };
      const svg = trainingCurves(Array.from({ length: epochs }, () => epoch));
      await assertLegible(svg);
      const ticks = textsOf(svg).slice(6, -4);
      assert.equal(ticks[0], '1');
      assert.ok(ticks.length >= Math.min(epochs, 5) && ticks.length <= 13, ticks.join(' '));
      assert.equal(svg.includes('<circle'), epochs === 1, 'a line of one point is not seen');
    });
});

test('the reliability diagram names both errors and has a point for each bin, however large they are', async () => {
  const svg = reliabilityDiagram(exampleCalibration());
  const texts = textsOf(svg);
  assert.ok(texts.includes('before, error 15.0 %') && texts.includes('after, error 2.0 %'));
  assert.deepEqual(
    pointsOf(svg).map((curve) => curve.length),
    [2, 2],
  );
  const { before } = exampleCalibration();
  await assertLegible(
    reliabilityDiagram({ before: { ...before, error: 1 }, after: { ...before, error: 1 } }),
  );
});

describe('the ROC picture', () => {
  test('gives the area of each kind, and rises before it runs when the kinds are distinguished', () => {
    const svg = rocPicture([2, 3], [{ kind: '<a>&', scores: [0, 1] }]);
    assert.ok(textsOf(svg).includes('&#60;a&#62;&#38;: 1.000'));
    const [curve = []] = pointsOf(svg);
    assert.equal(Math.min(...curve), curve[2], 'all known photos are kept before any other picture is');
  });

  test('has room for many kinds with long names', async () => {
    for (const name of [
      'pictures of something altogether different',
      '전혀 다른 것을 찍은 아주 여러 가지 사진들',
    ]) {
      const kinds = Array.from({ length: 30 }, (_, index) => ({ kind: `${name} ${index}`, scores: [0, 1] }));
      const svg = rocPicture([2, 3], kinds);
      await assertLegible(svg);
      assert.equal(textsOf(svg).filter((text) => / 7: 1\.000$/.test(text)).length, 1);
    }
  });
});

test('attributes and texts are escaped, content is not', () => {
  assert.equal(element('g', { id: '"<&>' }, '<a></a>'), '<g id="&#34;&#60;&#38;&#62;"><a></a></g>');
  assert.match(label(1, 2, '<b>&'), />&#60;b&#62;&#38;<\/text>$/);
});

describe('the confusion matrix', () => {
  const manyLabels = (count: number, name = 'class') =>
    Array.from({ length: count }, (_, index) => `${name} ${index}`);

  /** Three photos of every class, all classified correctly. */
  const unconfused = (labels: readonly string[]): string =>
    confusionMatrix(
      labels,
      labels.map((_, truth) => labels.map((_, answer) => (truth === answer ? 3 : 0))),
    );

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

  const LONG = 'an extraordinarily long name of a flower';
  for (const name of ['rose', LONG, '아주 긴 이름을 가진, 세상에서 가장 귀한 고산 식물의 꽃'])
    test(`of any number of classes called ${name} is of bounded size, and every text can be read`, async () => {
      for (const count of [1, 2, 10, 25, 60]) {
        const drawn = unconfused(manyLabels(count, name));
        await assertLegible(drawn);
        const [width, height] = sizeOf(drawn);
        assert.ok(width <= 1500 && height <= 1300, `${width} x ${height}`);
      }
    });

  test('of many classes numbers the columns as the rows, and of very many says the counts when pointed at', () => {
    const texts = textsOf(unconfused(manyLabels(25, 'rose')));
    assert.deepEqual(texts.slice(1, 5), ['1', '1 rose 0', '2', '2 rose 1']);
    assert.deepEqual(texts.slice(1 + 2 * 25), Array(25).fill('3'));
    assert.deepEqual(textsOf(unconfused(manyLabels(60))).slice(1 + 2 * 60), []);
    assert.match(unconfused(manyLabels(60)), /<title>class 7 named class 7: 3 of 3</);
    assert.ok(unconfused(manyLabels(200)).length < 200_000, 'cells without photos are not drawn one by one');
  });

  test('shows a single mistake among a hundred photos, and no share of no photos', () => {
    const drawn = confusionMatrix(
      ['a', 'b'],
      [
        [99, 1],
        [0, 0],
      ],
    );
    const [, , single = 0, nothing = 0] = [...drawn.matchAll(/60% ([\d.]+)%/g)].map(([, light]) =>
      Number(light),
    );
    assert.ok(nothing - single > 4, `${single} % is hardly darker than ${nothing} %`);
    assert.deepEqual(textsOf(drawn).slice(-8), ['99', '99.0 %', '1', '1.0 %', '0', '–', '0', '–']);
  });
});
