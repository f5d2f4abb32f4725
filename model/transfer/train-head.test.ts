import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose, example } from '../shared/test-pictures.ts';
import { CheckpointStore } from '../training/checkpoint.ts';
import type { EpochResult } from '../training/progress.ts';
import { Stopped } from '../training/stop.ts';
import { evaluateHead } from './evaluate-head.ts';
import { buildHead, type HeadOptions } from './head.ts';
import { type DescribedPhotos, type TrainHeadOptions, trainHead } from './train-head.ts';

const CLASSES = 3;
/** Length of a feature vector. */
const WIDTH = 6;

/** Features of photos of these classes: `at` tells the number at each place. */
const described = (
  name: string,
  labels: readonly number[],
  at: (label: number, place: number) => number,
): DescribedPhotos => ({
  examples: labels.map((label, index) => example(label, `${name} ${index}`)),
  described: {
    features: tf.tensor2d(
      labels.map((label) => Array.from({ length: WIDTH }, (_, place) => at(label, place))),
    ),
    labels,
  },
});

const LABELS = Array.from({ length: 10 }, (_, index) => index % CLASSES);

/** Around a corner of their own for each class. */
const separable = (name: string, seed: number): DescribedPhotos => {
  const random = seededRandom(seed);
  return described(name, LABELS, (label, place) => random() + (place === label ? 1.5 : 0));
};

let directory = '';
let photos: DescribedPhotos;
let unseen: DescribedPhotos;
before(async () => {
  await loadBackend({ native: false });
  directory = await mkdtemp(path.join(tmpdir(), 'head-'));
  [photos, unseen] = [separable('photo', 1), separable('unseen', 2)];
});
after(() => rm(directory, { recursive: true }));

/** What is right for the training is wrong here: the better it is learned, the higher the loss. */
const misleading = (): DescribedPhotos => {
  const labels = LABELS.map((label) => (label + 1) % CLASSES);
  return { ...unseen, described: { ...unseen.described, labels } };
};

const OPTIONS: TrainHeadOptions = { epochs: 3, batchSize: 4, learningRate: 0.05 };
/** Three an epoch, the last of two photos. */
const STEPS = 9;

const tiny = (options: HeadOptions = {}) => buildHead(WIDTH, CLASSES, { hidden: 4, ...options });
/** A head that does not start undecided. */
const decided = (options: HeadOptions): LayersModel => {
  const head = tiny(options);
  scramble(head, 3);
  return head;
};
const weightsOf = (head: LayersModel) => head.getWeights().map((weight) => [...weight.dataSync()]);
const untimed = (history: readonly EpochResult[]) => history.map((result) => ({ ...result, seconds: 0 }));

interface Given {
  readonly head?: LayersModel;
  readonly train?: DescribedPhotos;
  readonly validation?: DescribedPhotos | undefined;
}

const run = async (
  options: TrainHeadOptions = {},
  { head = tiny(), train = photos, validation = unseen }: Given = {},
) => {
  const history = await trainHead(head, CLASSES, train, validation, { ...OPTIONS, ...options });
  return { head, history: untimed(history), weights: weightsOf(head) };
};

const logits = (head: LayersModel, features: readonly number[]): number[] =>
  tf.tidy(() => {
    const output = head.predict(tf.tensor2d([...features], [1, WIDTH]));
    assert.ok(output instanceof tf.Tensor);
    return [...output.dataSync()];
  });

test('a head learns to tell classes apart whose features lie apart', async () => {
  const head = tiny({ hidden: 16, dropout: 0.2, featureDropout: 0.1 });
  const { history } = await run({ epochs: 40 }, { head });
  const [first, last] = [history[0], history.at(-1)];
  assert.ok((first?.validation?.accuracy ?? 1) < 0.8, 'it is not born with it');
  assert.equal(last?.validation?.accuracy, 1);
  assert.ok((last?.trainingLoss ?? 1) < (first?.trainingLoss ?? 0), 'the loss falls');
});

test('it ends with the averaged weights, with which the last validation was made', async () => {
  const { head, history } = await run();
  assert.deepEqual(await evaluateHead(head, unseen.described), history.at(-1)?.validation);
});

test('with patience it ends early, with the weights of the best epoch', async () => {
  const { head, history } = await run({ epochs: 40, patience: 4 }, { validation: misleading() });
  const losses = history.map(({ validation }) => validation?.loss ?? Number.NaN);
  const best = losses.indexOf(Math.min(...losses));
  assert.equal(history.length, best + 1 + 4);
  assert.ok(history.length < 40);
  assert.deepEqual(await evaluateHead(head, misleading().described), history[best]?.validation);
});

test('where features tell nothing the frequent class wins, unless all classes are to weigh the same', async () => {
  const blank = described('blank', [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2], () => 0);
  const options = { epochs: 60, batchSize: 12, labelSmoothing: 0, averaging: 0 };
  const [plain, balanced] = [
    await run(options, { train: blank }),
    await run({ ...options, balanced: true }, { train: blank }),
  ];
  const [first, second] = [plain, balanced].map(({ head }) => {
    const answer = logits(head, new Array<number>(WIDTH).fill(0)).map(Math.exp);
    return answer.map((value) => value / answer.reduce((sum, each) => sum + each));
  });
  assertClose(first ?? [], [2 / 3, 1 / 6, 1 / 6], 0.05);
  assertClose(second ?? [], [1 / 3, 1 / 3, 1 / 3], 0.05);
});

test('without photos for validation there is none in the history', async () => {
  const history = await trainHead(tiny(), CLASSES, photos, undefined, { ...OPTIONS, epochs: 1 });
  for (const result of history) assert.equal('validation' in result, false);
});

test('the same seed gives the same head and history, another seed others', async () => {
  const [{ head: _, ...expected }, { head: __, ...same }, other] = [
    await run(),
    await run(),
    await run({ seed: 2 }),
  ];
  assert.deepEqual(same, expected);
  assert.notDeepEqual(other.weights, expected.weights);
  assert.notDeepEqual(other.history, expected.history);
});

test('the seed decides what is dropped, and each step drops anew', async () => {
  // Of photos that are all the same their order tells nothing, and with so low a rate nothing is learned of them.
  const same = described('same', new Array<number>(8).fill(0), (_, place) => place);
  const lossesOf = async (seed: number, options: HeadOptions) => {
    const { history } = await run(
      { seed, epochs: 2, batchSize: 8, learningRate: 1e-9 },
      { train: same, head: decided(options) },
    );
    return history.map(({ trainingLoss }) => trainingLoss);
  };
  const without = { dropout: 0, featureDropout: 0 };
  const [plain = Number.NaN] = await lossesOf(1, without);
  for (const seed of [1, 2]) assertClose(await lossesOf(seed, without), [plain, plain], 1e-5);
  for (const dropped of [
    { ...without, dropout: 0.5 },
    { ...without, featureDropout: 0.5 },
  ]) {
    const losses = [...(await lossesOf(1, dropped)), ...(await lossesOf(2, dropped))];
    assert.equal(new Set(losses.map((loss) => loss.toFixed(4))).size, 4, losses.join());
    assert.deepEqual(await lossesOf(1, dropped), losses.slice(0, 2));
  }
});

/** A way to train. */
interface How {
  readonly options: TrainHeadOptions;
  readonly given: () => Given;
}

/** Trains until it is done, and is stopped after so many steps each time. */
const runWithStops = async (name: string, stops: readonly number[], { options, given }: How) => {
  const resumed: number[] = [];
  const warnings: string[] = [];
  const going = (signal?: AbortSignal, onStep?: () => void) => {
    const checkpoints = new CheckpointStore(path.join(directory, name), {
      onWarning: (text) => warnings.push(text),
    });
    const onResume = ({ steps }: { readonly steps: number }) => resumed.push(steps);
    return run({ ...options, ...{ signal, onStep, checkpoints, onResume } }, given());
  };
  for (const stop of stops) {
    const controller = new AbortController();
    let taken = 0;
    const stopped = going(controller.signal, () => {
      taken += 1;
      if (taken >= stop) controller.abort();
    });
    await assert.rejects(stopped, Stopped);
  }
  return { ...(await going()), resumed, warnings };
};

const HOW: Readonly<Record<string, How>> = {
  'as it is by default': { options: {}, given: () => ({}) },
  'with patience and balanced': {
    options: { patience: 2, balanced: true, averaging: 0.5 },
    given: () => ({}),
  },
  'with the best epoch long past': {
    options: { patience: 3, averaging: 0.5 },
    given: () => ({ validation: misleading() }),
  },
};

for (const [name, how] of Object.entries(HOW)) {
  test(`stopped after any step it goes on to the very same head and history, ${name}`, async () => {
    const expected = await run(how.options, how.given());
    for (let stop = 1; stop < STEPS; stop++) {
      const actual = await runWithStops(`${name} after ${stop}`, [stop], how);
      assert.deepEqual(actual.resumed, [stop]);
      assert.deepEqual(actual.warnings, []);
      assert.deepEqual(actual.history, expected.history, `stopped after step ${stop}`);
      assert.deepEqual(actual.weights, expected.weights, `stopped after step ${stop}`);
    }
  });

  test(`stopped after every single step too, ${name}`, async () => {
    const expected = await run(how.options, how.given());
    const stops = new Array<number>(STEPS - 1).fill(1);
    const actual = await runWithStops(`${name} after each`, stops, how);
    assert.deepEqual(actual.resumed, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(actual.history, expected.history);
    assert.deepEqual(actual.weights, expected.weights);
  });
}

test('from another seed, other options, photos or another head it starts anew', async () => {
  const checkpoints = (warnings: string[] = []) =>
    new CheckpointStore(path.join(directory, 'foreign'), { onWarning: (text) => warnings.push(text) });
  const differs: Readonly<Record<string, { options?: TrainHeadOptions; given?: () => Given }>> = {
    'its options': { options: { seed: 2 } },
    'the weights it started from': { given: () => ({ head: tiny({ seed: 3 }) }) },
    'its photos': { given: () => ({ train: unseen, validation: photos }) },
  };
  for (const [difference, { options = {}, given = () => ({}) }] of Object.entries(differs)) {
    await run({ checkpoints: checkpoints() });
    const warnings: string[] = [];
    const { weights } = await run({ ...options, checkpoints: checkpoints(warnings) }, given());
    assert.equal(warnings.length, 2);
    for (const text of warnings) assert.ok(text.includes(`which differs in ${difference};`), text);
    assert.deepEqual(weights, (await run(options, given())).weights);
  }
});

test('neither an end nor a stop leaves tensors behind but those of the head', async () => {
  const head = tiny();
  const { numTensors } = tf.memory();
  for (const options of [{}, { balanced: true, patience: 1 }])
    await trainHead(head, CLASSES, photos, unseen, { ...OPTIONS, ...options });
  await assert.rejects(
    trainHead(head, CLASSES, photos, unseen, { ...OPTIONS, signal: AbortSignal.abort() }),
    Stopped,
  );
  assert.equal(tf.memory().numTensors, numTensors);
});
