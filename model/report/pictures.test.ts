import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { assertClose, noise } from '../testing.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { contactSheet } from './contact-sheet.ts';
import { reliabilityDiagram } from './reliability.ts';
import { rocPicture } from './roc-picture.ts';
import { element, label } from './svg.ts';
import { calibration, metrics } from './testing.ts';
import { trainingCurves } from './training-curves.ts';

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

const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = '']) => text);
const points = (svg: string): number[][] =>
  [...svg.matchAll(/points="([^"]*)"/g)].map(([, list = '']) =>
    list.split(' ').map((point) => Number(point.split(',')[1])),
  );

describe('the confusion matrix', () => {
  const { labels, test: tested } = metrics();
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

  test('long names are cut, so that they do not run into one another', () => {
    const long = 'an extraordinarily long name of a flower';
    const texts = textsOf(
      confusionMatrix(
        [long, 'rose'],
        [
          [1, 0],
          [0, 1],
        ],
      ),
    );
    assert.equal(texts.filter((text) => text.startsWith('an extra') && text.endsWith('…')).length, 2);
    assert.ok(!texts.includes(long));
  });

  test('holds every count and its share of the true class, row by row', () => {
    const texts = textsOf(svg);
    assert.deepEqual(texts.filter((text) => /^\d+$/.test(text)).map(Number), tested.confusion.flat());
    const shares = texts.filter((text) => text.endsWith(' %'));
    assert.deepEqual(shares.slice(0, 3), ['81.8 %', '9.1 %', '9.1 %']);
    assert.equal(shares.length, 9);
  });

  test('of a class without test photos shows zeros', () => {
    const empty = confusionMatrix(
      ['a', 'b'],
      [
        [0, 0],
        [1, 3],
      ],
    );
    assertWellFormed(empty);
    assert.ok(textsOf(empty).includes('0.0 %'));
  });
});

describe('the training curves', () => {
  const { history } = metrics();

  test('are well-formed and can be drawn', async () => {
    assertWellFormed(trainingCurves(history));
    assert.equal((await sharp(Buffer.from(trainingCurves(history))).metadata()).format, 'svg');
  });

  test('show accuracies and losses, one point an epoch', () => {
    const curves = points(trainingCurves(history));
    assert.deepEqual(
      curves.map((curve) => curve.length),
      [3, 3, 3, 3],
    );
  });

  test('put 1 above 0.5 above 0, on one scale for all', () => {
    const [validation = [], , loss = []] = points(trainingCurves(history));
    const [half = 0, , one = 0] = validation;
    assert.ok(one < half, 'y grows downwards');
    assertClose([loss[0] ?? 0, loss[2] ?? 0], [one, half], 0.11);
  });

  test('leave the validation out when there was none', () => {
    const svg = trainingCurves(history.map(({ validation: _, ...rest }) => rest));
    assertWellFormed(svg);
    assert.equal(points(svg).length, 2);
    assert.doesNotMatch(svg, /validation/);
  });

  test('of a single epoch are still to be seen: a line has two ends', () => {
    const svg = trainingCurves(history.slice(0, 1));
    assertWellFormed(svg);
    for (const curve of points(svg)) assert.equal(curve.length, 2);
  });
});

describe('the reliability diagram', () => {
  test('is well-formed, can be drawn, and names both errors', async () => {
    const svg = reliabilityDiagram(calibration());
    assertWellFormed(svg);
    assert.equal((await sharp(Buffer.from(svg)).metadata()).format, 'svg');
    const texts = textsOf(svg);
    assert.ok(texts.includes('before, error 15.0 %') && texts.includes('after, error 2.0 %'));
  });

  test('has a point for each bin', () => {
    assert.deepEqual(
      points(reliabilityDiagram(calibration())).map((curve) => curve.length),
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

  test('rises before it runs when the kinds are told apart', () => {
    const [curve = []] = points(rocPicture([2, 3], [{ kind: 'x', scores: [0, 1] }]));
    assert.equal(Math.min(...curve), curve[2], 'all known photos are kept before any other picture is');
  });
});

describe('the contact sheet', () => {
  const mistake = (confidence: number) => ({
    file: 'a.jpg',
    truth: 'rose',
    answer: '<tulip>',
    confidence,
    pixels: noise(confidence),
  });
  const sizeOf = async (mistakes: ReturnType<typeof mistake>[]) => {
    const { format, width, height } = await sharp(await contactSheet(mistakes)).metadata();
    assert.equal(format, 'jpeg');
    return [width, height];
  };

  test('shows the surest mistakes in rows of four, twelve at most', async () => {
    assert.deepEqual(await sizeOf([mistake(0.9), mistake(0.8)]), [896, 312]);
    assert.deepEqual(await sizeOf(Array.from({ length: 20 }, (_, i) => mistake(i / 20))), [896, 848]);
  });

  test('of no mistakes is a picture too', async () => assert.deepEqual(await sizeOf([]), [896, 312]));
});

test('attributes and texts are escaped, content is not', () => {
  assert.equal(element('g', { id: '"<&>' }, '<a></a>'), '<g id="&#34;&#60;&#38;&#62;"><a></a></g>');
  assert.match(label(1, 2, '<b>&'), />&#60;b&#62;&#38;<\/text>$/);
});
