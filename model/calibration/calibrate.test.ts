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
import { fitBackground, fitKnownScore, scoreOf, softmax } from './known-score.ts';
import { readBackgroundNodes } from './known-score-graph.ts';
import { extractFeaturesAndLogits, type FeaturesAndLogits } from './observe.ts';

const FEATURES = 6;

/** Features around a different corner for each class; those of other things are around yet another corner. */
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

test('a background rejects what resembles it; made of the classes, it does not reject them', () => {
  const [known, heldOut, unseen] = [photos(1, 3, 30), photos(2, 3, 1), photos(4, 3, 100)];
  const random = seededRandom(9);
  const anything = Array.from({ length: 60 }, () => around(random, FEATURES - 1));
  const towards = (step: number) =>
    unseen.map((photo) => ({
      ...photo,
      features: photo.features.with(-1, step + (photo.features.at(-1) ?? 0)),
    }));
  const kept = (background?: readonly (readonly number[])[]) => {
    const fitted = background && fitBackground(background);
    const score = fitKnownScore(known, heldOut, 1, { frozen: true, background: fitted });
    const count = (all: typeof unseen) => all.filter((photo) => scoreOf(score, photo) >= 0).length;
    return { unseen: count(unseen), between: count(towards(0.3)), far: count(towards(2)) };
  };
  const [without, given, own] = [kept(), kept(anything), kept(known.map(({ features }) => features))];
  assert.ok(given.between < 0.8 * without.between, `${given.between} of ${without.between}`);
  for (const { unseen: count, far } of [without, given, own])
    assert.ok(count > 0.95 * unseen.length && far === 0, `${count}, ${far}`);
});

for (const frozen of [false, true])
  describe(`the in-distribution score of ${frozen ? 'frozen' : 'trained'} features`, () => {
    const heldOut = photos(2, 3, 70);
    const score = fitKnownScore(photos(1, 3, 60), heldOut, 1, { frozen });
    const [photo = assert.fail()] = photos(9, 3, 1);

    test('refuses at most the allowed share of the held-out photos', () => {
      const refused = heldOut.filter((each) => scoreOf(score, each) < 0).length;
      assert.equal(refused, Math.floor(REFUSED_SHARE * heldOut.length));
    });

    test('rejects photos far from all classes, and those that might be any of them', () => {
      const random = seededRandom(9);
      const features = Array.from({ length: FEATURES }, (_, at) => (at < 3 ? 1 : 0.35));
      for (let index = 0; index < 30; index++) {
        const elsewhere = { ...photo, features: around(random, FEATURES - 1) };
        assert.ok(scoreOf(score, elsewhere) < 0);
        const undecided = { ...photo, ...(frozen ? { features } : { logits: surely(random, 0, 0) }) };
        assert.ok(scoreOf(score, undecided) < 0);
      }
      assert.ok(scoreOf(score, photo) >= 0);
    });

    test('depends on the direction of the features only; of a black picture, all 0, it is a number', () => {
      const scaled = (by: number) =>
        scoreOf(score, { ...photo, features: photo.features.map((value) => value * by) });
      assertClose([scaled(2)], [scaled(1)], 1e-4);
      assert.ok(Number.isFinite(scaled(0)));
    });
  });

/** Two kinds of drawings stand for two classes. */
const drawnPhotos = async (each: number, seed: number) =>
  (await Promise.all([clouds, stripes].map((draw) => drawPhotos(draw, each, seed)))).flatMap((drawn, label) =>
    drawn.map((pixels) => ({ label, pixels })),
  );

let train: Awaited<ReturnType<typeof drawnPhotos>>;
let validation: typeof train;
before(async () => {
  await loadBackend({ native: false });
  [train, validation] = [await drawnPhotos(12, 1), await drawnPhotos(FEWEST_PHOTOS / 2, 2)];
});

for (const what of [
  'trained features',
  'trained features and a background',
  'frozen features',
  'frozen features and a background',
])
  test(`a calibrated model answers with the tempered probabilities and the score of ${what}`, async () => {
    const frozen = what.startsWith('frozen');
    const write = layersNetwork(buildNetwork({ classes: 2, stem: 4, blocks: [6, 8] }));
    assert.equal(await calibrate(write, { train, validation: validation.slice(1) }), undefined, 'too few');
    const forwardTrained = frozen ? () => extractFeaturesAndLogits(write, train) : undefined;
    const others = [5, 6, 7, 8].map((seed) => ({ label: 0, pixels: noise(seed) }));
    const background = what.endsWith('background')
      ? fitBackground((await extractFeaturesAndLogits(write, others)).map(({ features }) => features))
      : undefined;
    const calibration = await calibrate(write, { train, validation, forwardTrained, background });
    assert.ok(calibration);
    const graph = buildServingGraph(write, { labels: ['clouds', 'stripes'], version: '1', calibration });
    const decoded = decodeSavedModel(encodeSavedModel(graph));
    const read = readBackgroundNodes(decoded.nodes);
    assertClose(read?.mean ?? [], background?.mean ?? [], 2e-3);
    assertClose(read?.lower ?? [], background?.lower ?? [], 2e-3);
    const runner = new GraphRunner(decoded);
    const asked = [...validation, ...[1, 2].map((seed) => ({ label: 0, pixels: noise(seed) }))];
    const pixels = asked.map((photo) => photo.pixels);
    const answers = await predictPhotos(runner, pixels);
    const expected = await extractFeaturesAndLogits(write, asked);
    answers.forEach(({ probabilities, knownScore }, index) => {
      const observation = expected[index] ?? assert.fail();
      assertClose(probabilities, softmax(observation.logits, calibration.temperature), 1e-5);
      const score = scoreOf(calibration.knownScore, observation);
      const size = Math.max(1, Math.abs(score));
      assertClose([knownScore / size], [score / size], 1e-3);
    });
    const refused = answers.slice(0, -2).filter(({ knownScore }) => knownScore < 0).length;
    if (!frozen) assert.equal(refused, Math.floor(REFUSED_SHARE * validation.length));
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

test('a softmax is divided by the temperature, which is found by how logits were stretched', () => {
  assertClose(softmax([Math.log(9), 0], 2), [0.75, 0.25], 1e-12);
  assertClose(softmax([1000, 0], 1), [1, 0], 1e-12);
  for (const temperature of [0.3, 3]) {
    const photos = observations(temperature);
    const found = fitTemperature(photos);
    assertClose([found / temperature], [1], 0.15);
    assert.ok(lossAt(photos, found) < lossAt(photos, 1));
  }
});
