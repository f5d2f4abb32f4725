import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadBackend } from '../backend/backend.ts';
import { evaluate, networkPredictFn } from '../evaluation/evaluate.ts';
import { example, noise } from '../shared/test-pictures.ts';
import type { Example } from './dataset.ts';
import { buildNetwork } from './network.ts';
import { balancedWeights } from './recipe.ts';
import { type EpochResult, type TrainOptions, train } from './train.ts';

before(() => loadBackend({ native: false }));

const photos = Array.from({ length: 5 }, (_, index) => example(index % 2, `photo ${index}`, noise(index)));
const examples = photos.slice(0, 4);
/** A trained photo under the other class's name: the better the photo is learned, the higher the loss. */
const [contrary] = photos.map((photo): Example => ({ ...photo, label: 1 - photo.label }));
const validation = contrary ? [contrary] : [];

const OPTIONS: TrainOptions = {
  epochs: 12,
  batchSize: 2,
  learningRate: 0.02,
  firstSide: 32,
  averaging: 0,
};
const tiny = () => buildNetwork({ classes: 2, stem: 4, blocks: [6], dropout: 0 });
const lossOf = ({ validation }: EpochResult) => validation?.loss ?? Number.NaN;

test('the training ends when the validation loss no longer falls, with the weights of its lowest', async () => {
  const network = tiny();
  const history = await train(network, 2, examples, validation, { ...OPTIONS, patience: 2 });
  assert.ok(history.length < 12, `${history.length} epochs`);
  const losses = history.map(lossOf);
  const lowest = Math.min(...losses);
  assert.equal(losses.indexOf(lowest), history.length - 1 - 2, 'two epochs after the best');
  const { loss } = await evaluate(networkPredictFn(network), 2, validation);
  assert.equal(loss, lowest);
});

test('until then it is the same training', async () => {
  const short = { ...OPTIONS, epochs: 4 };
  const [all, stopped] = [
    await train(tiny(), 2, examples, validation, short),
    await train(tiny(), 2, examples, validation, { ...short, patience: 1 }),
  ];
  assert.deepEqual(stopped.map(lossOf), all.slice(0, stopped.length).map(lossOf));
});

test('without validation photos nothing can be looked for: every epoch is trained', async () => {
  const history = await train(tiny(), 2, examples, [], { ...OPTIONS, epochs: 3, patience: 1 });
  assert.equal(history.length, 3);
});

test('balanced, every class weighs the same, and a photo one on average', () => {
  const labels = [0, 0, 0, 0, 0, 0, 1, 1, 2];
  const weights = balancedWeights(3, labels);
  assert.deepEqual(weights, [0.5, 1.5, 3]);
  assert.equal(labels.reduce((sum, label) => sum + (weights[label] ?? 0), 0) / labels.length, 1);
});

test('weights of classes of equal size change nothing', async () => {
  const short = { ...OPTIONS, epochs: 1 };
  const [plain, balanced] = [
    await train(tiny(), 2, examples, validation, short),
    await train(tiny(), 2, examples, validation, { ...short, balanced: true }),
  ];
  assert.ok(Math.abs(lossOf(plain[0] ?? assert.fail()) - lossOf(balanced[0] ?? assert.fail())) < 1e-5);
});

test('balanced, a rare class is named more often', async () => {
  const rare = Array.from({ length: 8 }, (_, index) => example(index === 0 ? 1 : 0, `${index}`, noise(9)));
  const named = async (balanced: boolean) => {
    const network = tiny();
    await train(network, 2, rare, [], { ...OPTIONS, epochs: 4, batchSize: 4, balanced });
    const [row = []] = await networkPredictFn(network)(rare.slice(0, 1));
    return row[1] ?? Number.NaN;
  };
  const [plain, balanced] = [await named(false), await named(true)];
  assert.ok(balanced > plain + 0.01, `${balanced} against ${plain}`);
});
