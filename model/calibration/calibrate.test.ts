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
import {
  calibrate,
  decodedNetwork,
  FEWEST_PHOTOS,
  fitTemperature,
  lossAt,
  probabilitiesAt,
  softmax,
} from './calibrate.ts';
import {
  addOuter,
  cholesky,
  fitKnownScore,
  meanVector,
  scoreOf,
  solveLower,
  solveUpper,
} from './known-score.ts';
import { extractFeaturesAndLogits, type FeaturesAndLogits } from './observe.ts';

const FEATURES = 6;

/** Features around a corner of their own for each class; others lie around yet another corner. */
const around = (random: Random, corner: number): number[] =>
  Array.from({ length: FEATURES }, (_, index) => 0.2 + random() * 0.3 + (index === corner ? 2 : 0));

const photos = (seed: number, classes: number, each: number): FeaturesAndLogits[] => {
  const random = seededRandom(seed);
  return Array.from({ length: classes * each }, (_, index) => ({
    label: index % classes,
    features: around(random, index % classes),
    logits: [],
  }));
};
const others = (seed: number, count: number): number[][] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => around(random, FEATURES - 1));
};

const NONE = { features: [], photographed: false };

for (const [name, unknown] of [
  ['without pictures of other things', NONE],
  ['with drawings of other things', { features: others(5, 40), photographed: false }],
  ['with photos of other things', { features: others(5, 40), photographed: true }],
] as const) {
  describe(name, () => {
    const heldOut = photos(2, 3, 40);
    const score = fitKnownScore(3, photos(1, 3, 60), heldOut, unknown);

    test('at most the allowed share of the held-out photos is refused', () => {
      const refused = heldOut.filter(({ features }) => scoreOf(score, features) < 0).length;
      assert.equal(refused, Math.floor(REFUSED_SHARE * heldOut.length));
    });

    test('what lies elsewhere is refused', () => {
      for (const features of others(9, 30)) assert.ok(scoreOf(score, features) < 0);
    });

    test('only the direction of the features counts', () => {
      const features = around(seededRandom(4), 1);
      const doubled = features.map((value) => value * 2);
      assertClose([scoreOf(score, doubled)], [scoreOf(score, features)], 1e-4);
    });
  });
}

test('two photos of each of many classes are enough not to fail', () => {
  const few = photos(1, 5, 2);
  const score = fitKnownScore(5, few, few, NONE);
  for (const { features } of few) assert.ok(scoreOf(score, features) >= 0, 'so few refuse nothing');
});

test('a black picture, whose features are all 0, has a score', () => {
  const score = fitKnownScore(3, photos(1, 3, 60), photos(2, 3, 40), NONE);
  assert.ok(Number.isFinite(scoreOf(score, new Array<number>(FEATURES).fill(0))));
});

/** 4 2 / 2 3 = L Lᵀ with L = 2 0 / 1 √2. */
const MATRIX = Float64Array.of(4, 2, 2, 3);

test("Cholesky's triangle multiplies back", () => {
  assertClose(cholesky(MATRIX, 2), [2, 0, 1, Math.SQRT2], 1e-12);
});

test('both triangles together solve the equations', () => {
  const lower = cholesky(MATRIX, 2);
  const x = solveUpper(lower, 2, solveLower(lower, 2, [8, 7]));
  assertClose(x, [1.25, 1.5], 1e-12);
});

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

  for (const source of ['drawn', 'photos'] as const)
    test(`answers with the tempered probabilities and the score fitted beside ${source}`, async () => {
      const write = network();
      const unknown = [{ source, photos: strangers }];
      const calibration = await calibrate(write, 2, { train, validation, unknown });
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
        const observation = expected[index];
        assert.ok(observation);
        assertClose(probabilities, probabilitiesAt(observation, calibration.temperature), 1e-5);
        const score = scoreOf(calibration.knownScore, observation.features);
        assertClose(
          [knownScore / Math.max(1, Math.abs(score))],
          [score / Math.max(1, Math.abs(score))],
          1e-3,
        );
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

  test('can be calibrated again from its SavedModel: the network comes back as it was', async () => {
    const write = network();
    const model = decodeSavedModel(encodeSavedModel(buildServingGraph(write, exported)));
    const again = decodedNetwork(model, { features: 'features', logits: 'logits/bias_add' });
    const copy = decodeSavedModel(encodeSavedModel(buildServingGraph(again, exported)));
    assert.deepEqual(copy.nodes, model.nodes);
  });

  test('is not made from too few photos', async () => {
    assert.equal(await calibrate(network(), 2, { train, validation: validation.slice(1) }), undefined);
  });
});

test('a model of another make is refused by the name of the node that it lacks', () => {
  const bytes = encodeSavedModel(buildServingGraph(network(), exported));
  const write = decodedNetwork(decodeSavedModel(bytes), { features: 'embedding', logits: 'logits/bias_add' });
  assert.throws(() => buildServingGraph(write, exported), /no node embedding/);
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
    return { label, features: [], logits: [logits, logits] };
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

test('probabilities are the mean of both views, each at the temperature', () => {
  const views = [
    [2, 0],
    [0, 2],
  ];
  assertClose(probabilitiesAt({ logits: views }, 2), [0.5, 0.5], 1e-12);
  assertClose(softmax([Math.log(3), 0], 1), [0.75, 0.25], 1e-12);
  assertClose(softmax([1000, 0], 1), [1, 0], 1e-12);
});

test('a lower temperature makes the answer surer', () => {
  const [cold = 0] = softmax([1, 0], 0.5);
  const [warm = 0] = softmax([1, 0], 2);
  assert.ok(cold > warm && warm > 0.5);
});
