import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { assertLegible, assertWellFormed, sizeOf, textsOf } from '../shared/test-svg.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { exampleMetrics } from './test-metrics.ts';

const LONG = 'an extraordinarily long name of a flower';

const manyLabels = (count: number, name = 'class') =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);

/** Three photos of every class, all classified correctly. */
const unconfused = (labels: readonly string[]): string =>
  confusionMatrix(
    labels,
    labels.map((_, truth) => labels.map((_, answer) => (truth === answer ? 3 : 0))),
  );

describe('the confusion matrix', () => {
  const { labels, test: tested } = exampleMetrics();
  const svg = confusionMatrix(labels, tested.confusion);

  test('is well-formed, whatever the labels are', () => assertWellFormed(svg));

  test('can be drawn', async () => {
    const { format, width = 0, height = 0 } = await sharp(Buffer.from(svg)).metadata();
    assert.equal(format, 'svg');
    assert.ok(width > 300 && height > 300);
  });

  test('names every class twice and escapes it', () => {
    const texts = textsOf(svg);
    for (const name of ['daisy', '&#60;b&#62;&#38;', 'a&#34;b']) {
      assert.equal(texts.filter((text) => text === name).length, 2, name);
    }
  });

  test('long names are cut in their middle', () => {
    const texts = textsOf(unconfused([LONG, 'rose']));
    assert.equal(texts.filter((text) => /^an ext.*….*flower$/.test(text)).length, 2);
    assert.ok(!texts.includes(LONG));
  });

  for (const name of ['rose', LONG, '아주 긴 이름을 가진, 세상에서 가장 귀한 고산 식물의 꽃']) {
    for (const count of [1, 2, 3, 10, 25, 60])
      test(`of ${count} times ${name} is of bounded size, and every text can be read`, () => {
        const drawn = unconfused(manyLabels(count, name));
        assertWellFormed(drawn);
        assertLegible(drawn);
        const [width, height] = sizeOf(drawn);
        assert.ok(width <= 1500 && height <= 1300, `${width} x ${height}`);
      });
  }

  test('of many classes numbers the columns as the rows', () => {
    const texts = textsOf(unconfused(manyLabels(25, 'rose')));
    assert.deepEqual(texts.slice(1, 5), ['1', '1 rose 0', '2', '2 rose 1']);
    assert.equal(texts.filter((text) => text === '25').length, 1);
  });

  test('many classes have counts only, and very many say them when pointed at', () => {
    const counts = (svg: string, classes: number) => textsOf(svg).slice(1 + 2 * classes);
    assert.deepEqual(counts(unconfused(manyLabels(25)), 25), Array(25).fill('3'));
    assert.deepEqual(counts(unconfused(manyLabels(60)), 60), []);
    assert.match(unconfused(manyLabels(60)), /<title>class 7 named class 7: 3 of 3</);
  });

  test('of hundreds of classes is no large file: cells without photos are not drawn one by one', () => {
    assert.ok(unconfused(manyLabels(200)).length < 200_000);
  });

  test('a single mistake among a hundred photos is seen', () => {
    const drawn = confusionMatrix(
      ['a', 'b'],
      [
        [99, 1],
        [0, 100],
      ],
    );
    const [, , single = 0, nothing = 0] = [...drawn.matchAll(/60% ([\d.]+)%/g)].map(([, light]) =>
      Number(light),
    );
    assert.ok(nothing - single > 4, `${single} % is hardly darker than ${nothing} %`);
  });

  test('holds every count and its share of the true class, row by row', () => {
    const texts = textsOf(svg);
    assert.deepEqual(texts.filter((text) => /^\d+$/.test(text)).map(Number), tested.confusion.flat());
    const shares = texts.filter((text) => text.endsWith(' %'));
    assert.deepEqual(shares.slice(0, 3), ['81.8 %', '9.1 %', '9.1 %']);
    assert.equal(shares.length, 9);
  });

  test('of a class without test photos shows zeros, but no share of nothing', () => {
    const empty = confusionMatrix(
      ['a', 'b'],
      [
        [0, 0],
        [1, 3],
      ],
    );
    assertWellFormed(empty);
    assert.deepEqual(textsOf(empty).slice(-8), ['0', '–', '0', '–', '1', '25.0 %', '3', '75.0 %']);
  });
});
