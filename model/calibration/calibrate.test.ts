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
import { seededRandom } from '../shared/random.ts';
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
import { scoreOf } from './known-score.ts';
import { extractFeaturesAndLogits, type FeaturesAndLogits } from './observe.ts';

const labels = ['clouds', 'stripes'];
const exported = { labels, version: '1' };

before(() => loadBackend({ native: false }));

const network = () => layersNetwork(buildNetwork({ classes: 2, stem: 4, blocks: [6, 8] }));

/** Two kinds of drawings stand for two classes. */
const photos = async (each: number, seed: number) =>
  (await Promise.all([clouds, stripes].map((draw) => drawPhotos(draw, each, seed)))).flatMap((drawn, label) =>
    drawn.map((pixels) => ({ label, pixels })),
  );

describe('a calibrated model', async () => {
  const [train, validation] = [await photos(12, 1), await photos(FEWEST_PHOTOS / 2, 2)];
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
