import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { loadBackend } from '../backend/backend.ts';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import type { Example } from '../data/dataset.ts';
import { evaluate, networkPredictFn } from '../evaluation/evaluate.ts';
import { buildNetwork } from '../network/network.ts';
import { AbortedError } from '../shared/abort.ts';
import { seededRandom } from '../shared/random.ts';
import { example, noise } from '../shared/test-pictures.ts';
import { CheckpointStore } from './checkpoint.ts';
import { runTrainingLoop, type TrainingRunOptions } from './loop.ts';
import { networkVariables, OptimizerState } from './optimizer.ts';
import { HEAD_RECIPE, inverseFrequencyWeights, type RecipeOptions } from './recipe.ts';
import { runWithStops, untimed, watchedCheckpoints, weightValues } from './test-training.ts';
import { trainNetwork } from './train-network.ts';

before(() => loadBackend({ native: false }));

const directory = temporaryFolder({ after });
const at = (name: string) => path.join(directory, name);

const noisy = Array.from({ length: 5 }, (_, index) => example(index % 2, `photo ${index}`, noise(index)));
const tiny = (seed = 1) => buildNetwork({ classes: 2, stem: 4, blocks: [6], dropout: 0.1, seed });

/** Three epochs of two steps. */
const RECIPE: RecipeOptions = { epochs: 3, batchSize: 2, learningRate: 0.02, initialResolution: 32 };

/** Trains a network of two classes. */
const run = async (
  recipe: RecipeOptions = {},
  options: TrainingRunOptions = {},
  { network = tiny(), train = noisy.slice(0, 4), validation = noisy.slice(4) } = {},
) => {
  const trainer = trainNetwork({ network, classes: 2, recipe: { ...RECIPE, ...recipe }, ...options });
  const { history } = await trainer({ train, validation, test: [] });
  return { history: untimed(history), weights: weightValues(network) };
};

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

test('a tiny network learns to distinguish two plain kinds of photos; steps and epochs are reported', async () => {
  const reported: string[] = [];
  const options: TrainingRunOptions = {
    onStep: (done, total) => reported.push(`${done}/${total}`),
    onEpoch: ({ epoch, epochs }) => reported.push(`epoch ${epoch} of ${epochs}`),
  };
  const photos = { train: kinds(18, 1), validation: kinds(12, 2) };
  const { history } = await run({ epochs: 5, batchSize: 4 }, options, photos);
  const [first, last] = [history[0], history.at(-1)];
  assert.ok((last?.validation?.accuracy ?? 0) > 0.9, `accuracy ${last?.validation?.accuracy}`);
  assert.ok((last?.trainingLoss ?? 1) < (first?.trainingLoss ?? 0), 'the loss falls');
  for (const { trainingAccuracy } of history) assert.ok(trainingAccuracy >= 0 && trainingAccuracy <= 1);
  // The last batch is of two photos.
  assert.deepEqual(reported.slice(0, 7), ['1/5', '2/5', '3/5', '4/5', '5/5', 'epoch 1 of 5', '1/5']);
});

test('the network ends with the averaged weights, which do not affect its training', async () => {
  const network = tiny();
  const { numTensors } = tf.memory();
  const averaged = await run({ emaDecay: 0.998 }, {}, { network });
  assert.equal(tf.memory().numTensors, numTensors, 'no tensors are left behind but those of the network');
  const { loss, accuracy } = await evaluate(networkPredictFn(network), 2, noisy.slice(4));
  assert.deepEqual(averaged.history.at(-1)?.validation, { loss, accuracy });
  const last = await run({ emaDecay: 0 });
  const losses = ({ history }: typeof last) => history.map(({ trainingLoss }) => trainingLoss);
  assert.deepEqual(losses(averaged), losses(last));
  assert.notEqual(last.history.at(-1)?.validation?.loss, loss);
});

test('balanced, every class weighs the same, and a photo one on average', () =>
  assert.deepEqual(inverseFrequencyWeights(3, [0, 0, 0, 0, 0, 0, 1, 1, 2]), [0.5, 1.5, 3]));

describe('a training that is stopped', () => {
  const STOPS = [[1], [4], [1, 1, 1, 1, 1]];
  test('is resumed to the very same weights and history', async () => {
    // With the best epoch looked for and classes weighed.
    const train = (options: TrainingRunOptions = {}) =>
      run({ patience: 2, balanced: true, emaDecay: 0.5 }, options);
    const expected = await train();
    for (const stops of STOPS) {
      const { resumed, warnings, ...actual } = await runWithStops(at(`after ${stops}`), stops, train);
      assert.deepEqual(resumed, stops.length === 1 ? stops : [1, 2, 3, 4, 5]);
      assert.deepEqual(warnings, []);
      assert.deepEqual(actual, expected, `stopped after ${stops}`);
    }
  });

  test('with another seed, options or network it starts from the beginning', async () => {
    await run({ epochs: 1 }, watchedCheckpoints(at('foreign')));
    const { checkpoints, warnings } = watchedCheckpoints(at('foreign'));
    const recipe: RecipeOptions = { epochs: 1, seed: 2 };
    const started = await run(recipe, { checkpoints }, { network: tiny(3) });
    assert.deepEqual(started, await run(recipe, {}, { network: tiny(3) }));
    assert.match(warnings.join(), /differs in its options and the weights it started from/);
  });

  test('during validation has not lost the epoch', async () => {
    const controller = new AbortController();
    const checkpoints = () => new CheckpointStore(at('validation'));
    // Signals are looked for before each batch of validation photos, which come after the epoch's second step.
    const onStep = (done: number, total: number) => {
      if (done === total) setImmediate(() => setImmediate(() => controller.abort()));
    };
    const stopped = run({}, { checkpoints: checkpoints(), signal: controller.signal, onStep });
    await assert.rejects(stopped, AbortedError);
    const resumed: string[] = [];
    const onResume: TrainingRunOptions['onResume'] = ({ step, history }) =>
      resumed.push(`${history.length}, ${step}`);
    assert.deepEqual(await run({}, { checkpoints: checkpoints(), onResume }), await run());
    assert.deepEqual(resumed, ['0, 2']);
  });
});

test('a step that is too large for the memory says what to do; any other error is reported as it is', async () => {
  const network = tiny();
  for (const [name, text, message] of [
    ['RuntimeError', 'Aborted(). Build with -sASSERTIONS.', /A step with 2 photos .* memory.* \(Aborted/],
    ['Error', 'OOM when allocating tensor', /A step with 2 photos .* memory.* \(OOM.*\)\. Lower/],
    ['Error', 'Broken.', /^Broken\.$/],
  ] as const) {
    const failing = runTrainingLoop({
      learner: {
        optimizer: new OptimizerState({ weights: networkVariables(network.weights) }, HEAD_RECIPE),
        step: () => Promise.reject(Object.assign(new Error(text), { name })),
        validate: async () => undefined,
      },
      items: ['a', 'b', 'c'],
      recipe: { ...HEAD_RECIPE, batchSize: 2 },
      ...{ run: {}, weights: network.getWeights(), split: { train: [], validation: [] } },
    });
    await assert.rejects(failing, { message });
  }
});
