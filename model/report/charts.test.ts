import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { element, label } from '../shared/svg.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { reliabilityDiagram, rocPicture, trainingCurves } from './charts.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { exampleCalibration, exampleMetrics } from './test-metrics.ts';

/** Fails unless every element is closed in its place, and no markup is left within texts and attributes. */
const assertWellFormed = (svg: string): void => {
  const open: string[] = [];
  const rest = svg.replace(
    /<(\/?)([a-z]+)((?: [a-z0-9-]+="[^"<]*")*)>|&#\d+;/gi,
    (_, closing?: string, name?: string) => {
      if (name === undefined) return '';
      if (closing === '') open.push(name);
      else assert.equal(open.pop(), name);
      return '';
    },
  );
  assert.deepEqual(open, [], 'every element is closed');
  assert.doesNotMatch(rest, /[<>&]/);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
};

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

/** A text in coordinates along its line (`from`, `to`) and across (`above`, `below`). */
interface Line {
  readonly text: string;
  readonly turned: number;
  readonly from: number;
  readonly to: number;
  readonly above: number;
  readonly below: number;
}

/** Width of most letters, in font sizes. */
const LETTER = 0.65;
const ANCHORS: Readonly<Record<string, number>> = { start: 0, middle: 0.5, end: 1 };
const radians = (degrees: number) => (degrees * Math.PI) / 180;

const linesOf = (svg: string): Line[] =>
  [...svg.matchAll(/<text([^>]*)>([^<]*)</g)].map(([, attributes = '', escaped = '']) => {
    const attribute = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1];
    const text = escaped.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
    const turned = Number(/rotate\((-?\d+)/.exec(attributes)?.[1] ?? 0);
    const [x, y, size] = [attribute('x'), attribute('y'), attribute('font-size') ?? 13].map(Number);
    assert.ok(x !== undefined && y !== undefined && size !== undefined);
    const [cos, sin] = [Math.cos(radians(turned)), Math.sin(radians(turned))];
    const width = text.length * LETTER * size;
    const from = x * cos + y * sin - width * (ANCHORS[attribute('text-anchor') ?? 'middle'] ?? 0);
    const across = y * cos - x * sin;
    return { text, turned, from, to: from + width, above: across - size / 2, below: across + size / 2 };
  });

const cornersOf = ({ turned, from, to, above, below }: Line): [x: number, y: number][] => {
  const [cos, sin] = [Math.cos(radians(turned)), Math.sin(radians(turned))];
  return [from, to].flatMap((along) =>
    [above, below].map((across): [number, number] => [
      along * cos - across * sin,
      along * sin + across * cos,
    ]),
  );
};

const overlap = (a: Line, b: Line): boolean =>
  a.turned === b.turned && a.from < b.to && b.from < a.to && a.above < b.below && b.above < a.below;

/** Fails when a text is cut off at the edge of the picture, or lies on another of the same direction. */
const assertLegible = (svg: string): void => {
  const [width, height] = sizeOf(svg);
  const lines = linesOf(svg);
  lines.forEach((line, index) => {
    for (const [x, y] of cornersOf(line)) {
      assert.ok(x >= 0 && x <= width && y >= 0 && y <= height, `${line.text} is cut off`);
    }
    const other = lines.slice(index + 1).find((each) => overlap(line, each));
    assert.equal(other?.text, undefined, `${line.text} lies on another text`);
  });
};

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

  test('rises before it runs when the kinds are distinguished', () => {
    const [curve = []] = pointsOf(rocPicture([2, 3], [{ kind: 'x', scores: [0, 1] }]));
    assert.equal(Math.min(...curve), curve[2], 'all known photos are kept before any other picture is');
  });
});

test('attributes and texts are escaped, content is not', () => {
  assert.equal(element('g', { id: '"<&>' }, '<a></a>'), '<g id="&#34;&#60;&#38;&#62;"><a></a></g>');
  assert.match(label(1, 2, '<b>&'), />&#60;b&#62;&#38;<\/text>$/);
});

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
