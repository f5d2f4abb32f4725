import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { loadBackend } from '../backend/backend.ts';
import { REFUSED_SHARE } from '../contract/tensors.ts';
import { predictPhotos } from '../evaluation/evaluate.ts';
import { buildNetwork } from '../network/network.ts';
import { clouds, stripes } from '../out-of-distribution/drawings.ts';
import { drawPhotos } from '../out-of-distribution/pictures.ts';
import { layersNetwork } from '../savedmodel/export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import { type Random, seededRandom } from '../shared/random.ts';
import { assertClose, noise } from '../shared/test-pictures.ts';
import { calibrate, FEWEST_PHOTOS, fitTemperature, lossAt } from './calibrate.ts';
import {
  addOuter,
  cholesky,
  fitKnownScore,
  meanVector,
  scoreOf,
  softmax,
  solveLower,
} from './known-score.ts';
import { extractFeaturesAndLogits, type FeaturesAndLogits } from './observe.ts';

const FEATURES = 6;

/** Features around a corner of their own for each class; others lie around yet another corner. */
const around = (random: Random, corner: number): number[] =>
  Array.from({ length: FEATURES }, (_, index) => 0.2 + random() * 0.3 + (index === corner ? 2 : 0));

/** Sure of the class by `margin` and more. */
const surely = (random: Random, label: number, margin: number): number[] =>
  [0, 1, 2].map((index) => random() + (index === label ? margin : 0));

const photos = (seed: number, classes: number, each: number, margin = 3): FeaturesAndLogits[] => {
  const random = seededRandom(seed);
  return Array.from({ length: classes * each }, (_, index) => ({
    label: index % classes,
    features: around(random, index % classes),
    logits: surely(random, index % classes, margin),
  }));
};

describe('the in-distribution score', () => {
  const heldOut = photos(2, 3, 40);
  const score = fitKnownScore(3, photos(1, 3, 60), heldOut, 1);
  const [photo = assert.fail()] = photos(9, 3, 1);

  test('refuses at most the allowed share of the held-out photos', () => {
    const refused = heldOut.filter((each) => scoreOf(score, each) < 0).length;
    assert.equal(refused, Math.floor(REFUSED_SHARE * heldOut.length));
  });

  test('refuses what lies elsewhere, and what might be any of the classes', () => {
    const random = seededRandom(9);
    for (let index = 0; index < 30; index++) {
      const elsewhere = { ...photo, features: around(random, FEATURES - 1) };
      assert.ok(scoreOf(score, elsewhere) < 0);
      assert.ok(scoreOf(score, { ...photo, logits: surely(random, 0, 0) }) < 0);
    }
    assert.ok(scoreOf(score, photo) >= 0);
  });

  test('depends on the direction of the features only', () => {
    const features = photo.features.map((value) => value * 2);
    assertClose([scoreOf(score, { ...photo, features })], [scoreOf(score, photo)], 1e-4);
  });

  test('of a black picture, whose features are all 0, is a number', () => {
    const features = new Array<number>(FEATURES).fill(0);
    assert.ok(Number.isFinite(scoreOf(score, { features, logits: [0, 0, 0] })));
  });
});

test('two photos of each of many classes are enough not to fail', () => {
  const few = photos(1, 5, 2);
  const score = fitKnownScore(5, few, few, 1);
  for (const photo of few) assert.ok(scoreOf(score, photo) >= 0, 'so few refuse nothing');
});

/** 4 2 / 2 3 = L Lᵀ with L = 2 0 / 1 √2. */
const MATRIX = Float64Array.of(4, 2, 2, 3);

test("Cholesky's triangle multiplies back", () => {
  assertClose(cholesky(MATRIX, 2), [2, 0, 1, Math.SQRT2], 1e-12);
});

test('the triangle solves equations', () =>
  assertClose(solveLower(cholesky(MATRIX, 2), 2, [8, 7]), [4, 3 / Math.SQRT2], 1e-12));

test('a matrix that is not positive definite is refused', () =>
  assert.throws(() => cholesky(Float64Array.of(1, 2, 2, 1), 2), /not positive definite/));

test('outer products add up in the lower triangle', () => {
  const matrix = new Float64Array(4);
  addOuter(matrix, [1, 2], 3);
  assertClose([matrix[0] ?? 0, matrix[2] ?? 0, matrix[3] ?? 0], [3, 6, 12], 0);
});

test('the mean of vectors is that of each place', () =>
  assertClose(
    meanVector(
      [
        [1, 2],
        [3, 6],
      ],
      2,
    ),
    [2, 4],
    1e-12,
  ));

const labels = ['clouds', 'stripes'];
const exported = { labels, version: '1' };

before(() => loadBackend({ native: false }));

const network = () => layersNetwork(buildNetwork({ classes: 2, stem: 4, blocks: [6, 8] }));

/** Two kinds of drawings stand for two classes. */
const drawnPhotos = async (each: number, seed: number) =>
  (await Promise.all([clouds, stripes].map((draw) => drawPhotos(draw, each, seed)))).flatMap((drawn, label) =>
    drawn.map((pixels) => ({ label, pixels })),
  );

describe('a calibrated model', async () => {
  const [train, validation] = [await drawnPhotos(12, 1), await drawnPhotos(FEWEST_PHOTOS / 2, 2)];
  const strangers = [noise(1), noise(2)];

  test('answers with the tempered probabilities and the fitted score', async () => {
    const write = network();
    const calibration = await calibrate(write, 2, { train, validation });
    assert.ok(calibration);
    const bytes = encodeSavedModel(buildServingGraph(write, { ...exported, calibration }));
    const runner = new GraphRunner(decodeSavedModel(bytes));
    const asked = [...validation.slice(0, 3), ...strangers.map((pixels) => ({ label: 0, pixels }))];
    const answers = await predictPhotos(
      runner,
      asked.map(({ pixels }) => pixels),
    );
    const expected = await extractFeaturesAndLogits(write, asked);
    answers.forEach(({ probabilities, knownScore }, index) => {
      const observation = expected[index] ?? assert.fail();
      assertClose(probabilities, softmax(observation.logits, calibration.temperature), 1e-5);
      const score = scoreOf(calibration.knownScore, observation);
      const size = Math.max(1, Math.abs(score));
      assertClose([knownScore / size], [score / size], 1e-3);
    });
  });

  test('keeps the photos that its threshold was chosen by, but for the share that may be refused', async () => {
    const write = network();
    const calibration = await calibrate(write, 2, { train, validation });
    assert.ok(calibration);
    const bytes = encodeSavedModel(buildServingGraph(write, { ...exported, calibration }));
    const answers = await predictPhotos(
      new GraphRunner(decodeSavedModel(bytes)),
      validation.map(({ pixels }) => pixels),
    );
    const refused = answers.filter(({ knownScore }) => knownScore < 0).length;
    assert.equal(refused, Math.floor(REFUSED_SHARE * validation.length));
  });

  test('is not made from too few photos', async () => {
    assert.equal(await calibrate(network(), 2, { train, validation: validation.slice(1) }), undefined);
  });
});

/** Photos whose logits, divided by `temperature`, are exactly how often each class is right. */
const observations = (temperature: number, count = 4000): FeaturesAndLogits[] => {
  const random = seededRandom(3);
  return Array.from({ length: count }, () => {
    const scaled = [0, 0, 0].map(() => 3 * random());
    const shares = softmax(scaled, 1);
    const [first = 0, second = 0] = shares;
    const drawn = random();
    const label = drawn < first ? 0 : drawn < first + second ? 1 : 2;
    const logits = scaled.map((logit) => logit * temperature);
    return { label, features: [], logits };
  });
};

for (const temperature of [0.3, 3]) {
  test(`logits that were stretched by ${temperature} are found to be so`, () => {
    const photos = observations(temperature);
    const found = fitTemperature(photos);
    assertClose([found / temperature], [1], 0.15);
    assert.ok(lossAt(photos, found) < lossAt(photos, 1));
  });
}

test('a softmax is divided by the temperature, and holds large logits', () => {
  assertClose(softmax([Math.log(9), 0], 2), [0.75, 0.25], 1e-12);
  assertClose(softmax([1000, 0], 1), [1, 0], 1e-12);
});

test('a lower temperature makes the answer surer', () => {
  const [cold = 0] = softmax([1, 0], 0.5);
  const [warm = 0] = softmax([1, 0], 2);
  assert.ok(cold > warm && warm > 0.5);
});
