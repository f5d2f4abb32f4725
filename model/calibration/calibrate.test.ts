import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { REFUSED_SHARE } from '../contract/refused-share.ts';
import { buildNetwork } from '../network/network.ts';
import { loadBackend } from '../runtime/backend.ts';
import { GraphRunner } from '../runtime/graph-runner.ts';
import { decodeSavedModel } from '../savedmodel/decode.ts';
import { encodeSavedModel } from '../savedmodel/encode.ts';
import { layersNetwork } from '../savedmodel/export-layers.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import { assertClose, noise } from '../testing.ts';
import { calibrate, FEWEST_PHOTOS } from './calibrate.ts';
import { decodedNetwork } from './decoded-network.ts';
import { scoreOf } from './known-score.ts';
import { askModel } from './measure.ts';
import { observe } from './observe.ts';
import { probabilitiesAt } from './temperature.ts';
import { drawPhotos } from './unknown/draw.ts';
import { clouds, stripes } from './unknown/textures.ts';

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
      const answers = await askModel(
        runner,
        asked.map(({ pixels }) => pixels),
      );
      const expected = await observe(write, asked);
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
    const answers = await askModel(
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
