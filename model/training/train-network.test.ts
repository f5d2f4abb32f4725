import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import type { Example } from '../data/dataset.ts';
import { evaluate, networkPredictFn } from '../evaluation/evaluate.ts';
import { buildNetwork } from '../network/network.ts';
import { seededRandom } from '../shared/random.ts';
import { example, noise } from '../shared/test-pictures.ts';
import type { EpochResult } from './checkpoint.ts';
import type { TrainingRunOptions } from './loop.ts';
import { inverseFrequencyWeights, type RecipeOptions } from './recipe.ts';
import { untimed } from './test-training.ts';
import { trainNetwork } from './train-network.ts';

before(() => loadBackend({ native: false }));

/** Photos of two kinds, warm and cold, each of another brightness. */
const kinds = (count: number, seed: number): Example[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const [bright, middle, dark] = [150 + random() * 100, random() * 150, random() * 80];
    const colour = index % 2 === 0 ? [bright, middle, dark] : [dark, middle, bright];
    const pixels = Uint8Array.from({ length: PHOTO_BYTES }, (_, place) => colour[place % 3] ?? 0);
    return example(index % 2, `${seed}-${index}`, pixels);
  });
};

const RECIPE: RecipeOptions = { epochs: 3, batchSize: 4, learningRate: 0.02, initialResolution: 32 };

/** Trains a network of two classes. @returns its history */
const train = async (
  network: LayersModel,
  examples: readonly Example[],
  validation: readonly Example[],
  recipe: RecipeOptions,
  run: TrainingRunOptions = {},
): Promise<readonly EpochResult[]> => {
  const trainer = trainNetwork({ network, classes: 2, recipe: { ...RECIPE, ...recipe }, ...run });
  return (await trainer({ train: examples, validation, test: [] })).history;
};

const tiny = () => buildNetwork({ classes: 2, stem: 4, blocks: [6], dropout: 0 });

const photos = kinds(16, 1);
const unseen = kinds(12, 2);
const run = (
  recipe: RecipeOptions = {},
  validation: readonly Example[] = [],
  options: TrainingRunOptions = {},
) => train(tiny(), photos.slice(0, 6), validation, { epochs: 2, ...recipe }, options);

test('a tiny network learns to distinguish two plain kinds of photos', async () => {
  const history = await train(tiny(), photos, unseen, { epochs: 5 });
  assert.deepEqual(
    history.map(({ epoch, epochs }) => [epoch, epochs]),
    [1, 2, 3, 4, 5].map((epoch) => [epoch, 5]),
  );
  const [first, last] = [history[0], history.at(-1)];
  assert.ok((last?.validation?.accuracy ?? 0) > 0.9, `accuracy ${last?.validation?.accuracy}`);
  assert.ok((last?.trainingLoss ?? 1) < (first?.trainingLoss ?? 0), 'the loss falls');
});

test('the same seed gives the same history, another seed another', async () => {
  const expected = untimed(await run());
  assert.deepEqual(untimed(await run()), expected);
  assert.notDeepEqual(untimed(await run({ seed: 2 })), expected);
});

test('without photos for validation there is none in the history', async () => {
  for (const result of await run({ epochs: 1 })) assert.equal('validation' in result, false);
});

test('steps and epochs are reported while they happen, the last small batch included', async () => {
  const reported: string[] = [];
  const history = await run({ batchSize: 4 }, [], {
    onStep: (done, total) => reported.push(`${done}/${total}`),
    onEpoch: ({ epoch }) => reported.push(`epoch ${epoch}`),
  });
  const steps = ['1/2', '2/2'];
  assert.deepEqual(reported, [...steps, 'epoch 1', ...steps, 'epoch 2']);
  for (const { trainingAccuracy } of history) assert.ok(trainingAccuracy >= 0 && trainingAccuracy <= 1);
});

test('the network ends with the averaged weights, with which the last validation was made', async () => {
  const network = tiny();
  const validation = unseen.slice(0, 2);
  const history = await train(network, photos.slice(0, 4), validation, { epochs: 2 });
  const { loss, accuracy } = await evaluate(networkPredictFn(network), 2, validation);
  assert.deepEqual(history.at(-1)?.validation, { loss, accuracy });
});

test('averaging changes what remains, not how the network is trained', async () => {
  const validation = unseen.slice(0, 2);
  const [averaged, last] = [
    await run({ emaDecay: 0.998 }, validation),
    await run({ emaDecay: 0 }, validation),
  ];
  const losses = (history: readonly EpochResult[]) => history.map(({ trainingLoss }) => trainingLoss);
  assert.deepEqual(losses(averaged), losses(last));
  assert.notEqual(averaged.at(-1)?.validation?.loss, last.at(-1)?.validation?.loss);
});

test('training leaves no tensors behind but those of the network', async () => {
  const network = tiny();
  const { numTensors } = tf.memory();
  await train(network, photos.slice(0, 4), unseen.slice(0, 2), { epochs: 2 });
  assert.equal(tf.memory().numTensors, numTensors);
});

describe('early stopping and class weights', () => {
  const photos = Array.from({ length: 5 }, (_, index) => example(index % 2, `photo ${index}`, noise(index)));
  const examples = photos.slice(0, 4);
  /** A trained photo under the other class's name: the better the photo is learned, the higher the loss. */
  const [contrary] = photos.map((photo): Example => ({ ...photo, label: 1 - photo.label }));
  const validation = contrary ? [contrary] : [];

  const OPTIONS: RecipeOptions = { epochs: 12, batchSize: 2, emaDecay: 0 };
  const lossOf = ({ validation }: EpochResult) => validation?.loss ?? Number.NaN;

  test('the training ends when the validation loss no longer falls, with the weights of its lowest', async () => {
    const network = tiny();
    const history = await train(network, examples, validation, { ...OPTIONS, patience: 2 });
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
      await train(tiny(), examples, validation, short),
      await train(tiny(), examples, validation, { ...short, patience: 1 }),
    ];
    assert.deepEqual(stopped.map(lossOf), all.slice(0, stopped.length).map(lossOf));
  });

  test('without validation photos nothing can be looked for: every epoch is trained', async () => {
    const history = await train(tiny(), examples, [], { ...OPTIONS, epochs: 3, patience: 1 });
    assert.equal(history.length, 3);
  });

  test('balanced, every class weighs the same, and a photo one on average', () => {
    const labels = [0, 0, 0, 0, 0, 0, 1, 1, 2];
    const weights = inverseFrequencyWeights(3, labels);
    assert.deepEqual(weights, [0.5, 1.5, 3]);
    assert.equal(labels.reduce((sum, label) => sum + (weights[label] ?? 0), 0) / labels.length, 1);
  });

  test('weights of classes of equal size change nothing', async () => {
    const short = { ...OPTIONS, epochs: 1 };
    const [plain, balanced] = [
      await train(tiny(), examples, validation, short),
      await train(tiny(), examples, validation, { ...short, balanced: true }),
    ];
    assert.ok(Math.abs(lossOf(plain[0] ?? assert.fail()) - lossOf(balanced[0] ?? assert.fail())) < 1e-5);
  });

  test('balanced, a rare class is named more often', async () => {
    const rare = Array.from({ length: 8 }, (_, index) => example(index === 0 ? 1 : 0, `${index}`, noise(9)));
    const probability = async (balanced: boolean) => {
      const network = tiny();
      await train(network, rare, [], { ...OPTIONS, epochs: 4, batchSize: 4, balanced });
      const [row = []] = await networkPredictFn(network)(rare.slice(0, 1));
      return row[1] ?? Number.NaN;
    };
    const [plain, balanced] = [await probability(false), await probability(true)];
    assert.ok(balanced > plain + 0.01, `${balanced} against ${plain}`);
  });
});
