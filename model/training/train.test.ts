import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import { evaluate, networkPredictFn } from '../evaluation/evaluate.ts';
import { seededRandom } from '../shared/random.ts';
import { example } from '../shared/test-pictures.ts';
import type { Example } from './dataset.ts';
import { buildNetwork } from './network.ts';
import { type EpochResult, type TrainOptions, train } from './train.ts';

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

const OPTIONS = { epochs: 3, batchSize: 4, learningRate: 0.02, firstSide: 32 };
const tiny = () => buildNetwork({ classes: 2, stem: 4, blocks: [6], dropout: 0 });
const untimed = (history: readonly EpochResult[]) => history.map((result) => ({ ...result, seconds: 0 }));

const photos = kinds(16, 1);
const unseen = kinds(12, 2);
const run = (options: TrainOptions = {}, validation: readonly Example[] = []) =>
  train(tiny(), 2, photos.slice(0, 6), validation, { ...OPTIONS, epochs: 2, ...options });

test('a tiny network learns to tell two plain kinds of photos apart', async () => {
  const history = await train(tiny(), 2, photos, unseen, { ...OPTIONS, epochs: 5 });
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
  const history = await run({
    batchSize: 4,
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
  const history = await train(network, 2, photos.slice(0, 4), validation, { ...OPTIONS, epochs: 2 });
  const { loss, accuracy } = await evaluate(networkPredictFn(network), 2, validation);
  assert.deepEqual(history.at(-1)?.validation, { loss, accuracy });
});

test('averaging changes what remains, not how the network is trained', async () => {
  const validation = unseen.slice(0, 2);
  const [averaged, last] = [
    await run({ averaging: 0.998 }, validation),
    await run({ averaging: 0 }, validation),
  ];
  const losses = (history: readonly EpochResult[]) => history.map(({ trainingLoss }) => trainingLoss);
  assert.deepEqual(losses(averaged), losses(last));
  assert.notEqual(averaged.at(-1)?.validation?.loss, last.at(-1)?.validation?.loss);
});

test('training leaves no tensors behind but those of the network', async () => {
  const network = tiny();
  const { numTensors } = tf.memory();
  await train(network, 2, photos.slice(0, 4), unseen.slice(0, 2), { ...OPTIONS, epochs: 2 });
  assert.equal(tf.memory().numTensors, numTensors);
});
