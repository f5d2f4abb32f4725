import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { loadBackend } from '../backend/backend.ts';
import { buildNetwork } from '../network/network.ts';
import { AbortedError } from '../shared/abort.ts';
import { example, noise } from '../shared/test-pictures.ts';
import { CheckpointStore } from './checkpoint.ts';
import { runTrainingLoop, type TrainingRunOptions } from './loop.ts';
import { networkVariables, OptimizerState } from './optimizer.ts';
import { HEAD_RECIPE, type RecipeOptions } from './recipe.ts';
import { runWithStops, untimed, watchedCheckpoints, weightValues } from './test-training.ts';
import { trainNetwork } from './train-network.ts';

const photos = Array.from({ length: 5 }, (_, index) => example(index % 2, `photo ${index}`, noise(index)));
const [examples, validation] = [photos.slice(0, 4), photos.slice(4)];
const RECIPE: RecipeOptions = { epochs: 3, batchSize: 2, learningRate: 0.02, initialResolution: 32 };
/** Two steps an epoch. */
const STEPS = 6;

const directory = temporaryFolder({ after });
const at = (name: string) => path.join(directory, name);
before(() => loadBackend({ native: false }));

const tiny = (seed = 1) => buildNetwork({ classes: 2, stem: 4, blocks: [6], seed });

const run = async (options: TrainingRunOptions = {}, recipe: RecipeOptions = {}, network = tiny()) => {
  const trainer = trainNetwork({ network, classes: 2, recipe: { ...RECIPE, ...recipe }, ...options });
  const { history } = await trainer({ train: examples, validation, test: [] });
  return { history: untimed(history), weights: weightValues(network) };
};

test('stopped after any step, a training is resumed to the very same weights and history', async () => {
  const expected = await run();
  for (let stop = 1; stop < STEPS; stop++) {
    const { history, weights, resumed, warnings } = await runWithStops(at(`after ${stop}`), [stop], run);
    assert.deepEqual(resumed, [stop]);
    assert.deepEqual(warnings, []);
    assert.deepEqual(history, expected.history);
    assert.deepEqual(weights, expected.weights, `stopped after step ${stop}`);
  }
});

test('stopped after every single step too, with the best epoch looked for and classes weighed', async () => {
  const recipe: RecipeOptions = { patience: 2, balanced: true, emaDecay: 0.5 };
  const expected = await run({}, recipe);
  const { history, weights, resumed } = await runWithStops(at('every'), [1, 1, 1, 1, 1], (options) =>
    run(options, recipe),
  );
  assert.deepEqual(resumed, [1, 2, 3, 4, 5]);
  assert.deepEqual(history, expected.history);
  assert.deepEqual(weights, expected.weights);
});

test('a training that was over when it was killed is over when it is resumed', async () => {
  const expected = await run();
  const checkpoints = () => new CheckpointStore(at('over'));
  await run({ checkpoints: checkpoints() });
  let steps = 0;
  const again = await run({ checkpoints: checkpoints(), onStep: () => steps++ });
  assert.equal(steps, 0);
  assert.deepEqual(again, expected);
});

test('saving checkpoints, even at each step, changes nothing', async () => {
  const checkpoints = new CheckpointStore(at('often'));
  assert.deepEqual(await run({ checkpoints, checkpointSeconds: 0 }), await run());
});

test('from another seed, options or network it starts from its beginning', async () => {
  await run(watchedCheckpoints(at('foreign')), { epochs: 1 });
  const { checkpoints, warnings } = watchedCheckpoints(at('foreign'));
  const recipe: RecipeOptions = { epochs: 1, seed: 2 };
  const started = await run({ checkpoints }, recipe, tiny(3));
  assert.deepEqual(started, await run({}, recipe, tiny(3)));
  assert.match(warnings.join(), /differs in its options and the weights it started from/);
});

test('stopped while it validates, it has not lost the epoch', async () => {
  const expected = await run();
  const controller = new AbortController();
  const checkpoints = () => new CheckpointStore(at('validation'));
  // Signals are looked for before each batch of validation photos, which come after the epoch's second step.
  const stopped = run({
    checkpoints: checkpoints(),
    signal: controller.signal,
    onStep: (done, total) => {
      if (done === total) setImmediate(() => setImmediate(() => controller.abort()));
    },
  });
  await assert.rejects(stopped, AbortedError);
  const resumed: { step: number; epochs: number }[] = [];
  const { history, weights } = await run({
    checkpoints: checkpoints(),
    onResume: ({ step, history }) => resumed.push({ step, epochs: history.length }),
  });
  assert.deepEqual(resumed, [{ step: 2, epochs: 0 }]);
  assert.deepEqual(history, expected.history);
  assert.deepEqual(weights, expected.weights);
});

test('stopping leaves no tensors behind but those of the network, and no averaged weights in it', async () => {
  const [network, same] = [tiny(), tiny()];
  const { numTensors } = tf.memory();
  const signal = AbortSignal.abort();
  await assert.rejects(run({ signal }, {}, network), AbortedError);
  assert.equal(tf.memory().numTensors, numTensors);
  assert.notDeepEqual(weightValues(network), weightValues(same), 'one step was taken');
});

/** A training whose first step fails. */
const trainingThatFails = async (error: Error): Promise<void> => {
  const network = buildNetwork({ classes: 2, stem: 4, blocks: [6], dropout: 0 });
  await runTrainingLoop({
    learner: {
      optimizer: new OptimizerState(
        { weights: networkVariables(network.weights) },
        { weightDecay: 0, emaDecay: 0 },
      ),
      step: async () => {
        throw error;
      },
      validate: async () => undefined,
    },
    items: ['a', 'b', 'c'],
    recipe: { ...HEAD_RECIPE, epochs: 1, batchSize: 2 },
    ...{ run: {}, weights: network.getWeights(), split: { train: [], validation: [] } },
  });
};

test('a step that is too large for the memory says what to do', async () => {
  const inWebAssembly = (message: string) => Object.assign(new Error(message), { name: 'RuntimeError' });
  for (const error of [
    inWebAssembly('Aborted(). Build with -sASSERTIONS for more info.'),
    inWebAssembly('memory access out of bounds'),
    new Error('OOM when allocating tensor with shape[100000,112,112,32]'),
  ])
    await assert.rejects(
      trainingThatFails(error),
      /A step of 2 photos .* memory.* \((Aborted|memory|OOM).*\)\. Lower/,
    );
});

test('any other error is reported as it is', async () => {
  await assert.rejects(trainingThatFails(new Error('Broken.')), { message: 'Broken.' });
});
