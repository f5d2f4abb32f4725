import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { example, noise } from '../shared/test-pictures.ts';
import { CheckpointStore } from './checkpoint.ts';
import { buildNetwork } from './network.ts';
import { type EpochResult, Stopped, type TrainOptions, train } from './train.ts';

const photos = Array.from({ length: 5 }, (_, index) => example(index % 2, `photo ${index}`, noise(index)));
const [examples, validation] = [photos.slice(0, 4), photos.slice(4)];
const OPTIONS: TrainOptions = { epochs: 3, batchSize: 2, learningRate: 0.02, firstSide: 32 };
/** Two steps an epoch. */
const STEPS = 6;

let directory = '';
before(async () => {
  await loadBackend({ native: false });
  directory = await mkdtemp(path.join(tmpdir(), 'resume-'));
});
after(() => rm(directory, { recursive: true }));

const tiny = (seed = 1) => buildNetwork({ classes: 2, stem: 4, blocks: [6], seed });
const weightsOf = (network: LayersModel) => network.getWeights().map((weight) => [...weight.dataSync()]);
const untimed = (history: readonly EpochResult[]) => history.map((result) => ({ ...result, seconds: 0 }));

const run = async (options: TrainOptions, network = tiny()) => {
  const history = await train(network, 2, examples, validation, { ...OPTIONS, ...options });
  return { history: untimed(history), weights: weightsOf(network) };
};

/** Trains until it is done, and is stopped after each of these steps. */
const runWithStops = async (name: string, stops: readonly number[], options: TrainOptions = {}) => {
  const resumed: number[] = [];
  const warnings: string[] = [];
  for (const stop of [...stops, Number.POSITIVE_INFINITY]) {
    const controller = new AbortController();
    let taken = 0;
    const interrupted = {
      ...options,
      checkpoints: new CheckpointStore(path.join(directory, name), {
        onWarning: (text) => warnings.push(text),
      }),
      signal: controller.signal,
      onResume: ({ steps }: { readonly steps: number }) => resumed.push(steps),
      onStep: () => {
        taken += 1;
        if (taken >= stop) controller.abort();
      },
    };
    if (stop === Number.POSITIVE_INFINITY) return { ...(await run(interrupted)), resumed, warnings };
    await assert.rejects(run(interrupted), Stopped);
  }
  throw new Error('unreachable');
};

test('stopped after any step, a training goes on to the very same weights and history', async () => {
  const expected = await run({});
  for (let stop = 1; stop < STEPS; stop++) {
    const { history, weights, resumed, warnings } = await runWithStops(`after ${stop}`, [stop]);
    assert.deepEqual(resumed, [stop]);
    assert.deepEqual(warnings, []);
    assert.deepEqual(history, expected.history);
    assert.deepEqual(weights, expected.weights, `stopped after step ${stop}`);
  }
});

test('stopped after every single step too, with the best epoch looked for and classes weighed', async () => {
  const options: TrainOptions = { patience: 2, balanced: true, averaging: 0.5 };
  const expected = await run(options);
  const { history, weights, resumed } = await runWithStops('every', [1, 1, 1, 1, 1], options);
  assert.deepEqual(resumed, [1, 2, 3, 4, 5]);
  assert.deepEqual(history, expected.history);
  assert.deepEqual(weights, expected.weights);
});

test('a training that was over when it was killed is over when it goes on', async () => {
  const expected = await run({});
  const checkpoints = () => new CheckpointStore(path.join(directory, 'over'));
  await run({ checkpoints: checkpoints() });
  let steps = 0;
  const again = await run({ checkpoints: checkpoints(), onStep: () => steps++ });
  assert.equal(steps, 0);
  assert.deepEqual(again, expected);
});

test('keeping checkpoints, even at each step, changes nothing', async () => {
  const checkpoints = new CheckpointStore(path.join(directory, 'often'));
  assert.deepEqual(await run({ checkpoints, checkpointSeconds: 0 }), await run({}));
});

test('from another seed, options or network it starts anew', async () => {
  const checkpoints = (warnings: string[]) =>
    new CheckpointStore(path.join(directory, 'foreign'), { onWarning: (text) => warnings.push(text) });
  await run({ epochs: 1, checkpoints: checkpoints([]) });
  const warnings: string[] = [];
  const options: TrainOptions = { epochs: 1, seed: 2 };
  const started = await run({ ...options, checkpoints: checkpoints(warnings) }, tiny(3));
  assert.deepEqual(started, await run(options, tiny(3)));
  assert.match(warnings.join(), /differs in its options and the weights it started from/);
});

test('stopped while it looks at the validation photos, it has not lost the epoch', async () => {
  const expected = await run({});
  const controller = new AbortController();
  const checkpoints = () => new CheckpointStore(path.join(directory, 'validation'));
  // Signals are looked for before each batch of validation photos, which come after the epoch's second step.
  const stopped = run({
    checkpoints: checkpoints(),
    signal: controller.signal,
    onStep: (done, total) => {
      if (done === total) setImmediate(() => setImmediate(() => controller.abort()));
    },
  });
  await assert.rejects(stopped, Stopped);
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
  await assert.rejects(train(network, 2, examples, validation, { ...OPTIONS, signal }), Stopped);
  assert.equal(tf.memory().numTensors, numTensors);
  assert.notDeepEqual(weightsOf(network), weightsOf(same), 'one step was taken');
});
