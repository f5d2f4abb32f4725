import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { Backbone } from '../backbone/backbone.ts';
import { colouredPhotos, saveLayers, saveTinyGraph, tinyLayers } from '../backbone/test-backbones.ts';
import { loadBackend } from '../backend/backend.ts';
import { extractFeaturesAndLogits } from '../calibration/observe.ts';
import { INPUT_NAME, OUTPUT_NAMES } from '../contract/tensors.ts';
import { photoTensor } from '../data/augment.ts';
import type { Split } from '../data/split.ts';
import { buildHead, type HeadOptions, standardize } from '../network/head.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import type { WeightPrecision } from '../savedmodel/graph.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import { numbersIn, textsIn } from '../savedmodel/test-networks.ts';
import { AbortedError } from '../shared/abort.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose, example } from '../shared/test-pictures.ts';
import type { TrainingRunOptions } from './loop.ts';
import type { RecipeOptions } from './recipe.ts';
import { runWithStops, untimed, watchedCheckpoints, weightValues } from './test-training.ts';
import {
  type EarlierHead,
  evaluateHead,
  type PhotoFeatures,
  type TrainedHead,
  type TrainHeadOptions,
  trainHead,
  trainOnFeatures,
} from './train-head.ts';

const CLASSES = 3;
/** Length of a feature vector. */
const WIDTH = 6;

/** Features of photos of these classes: `at` gives the number at each place. */
const described = (
  name: string,
  labels: readonly number[],
  at: (label: number, place: number) => number,
): PhotoFeatures => ({
  examples: labels.map((label, index) => example(label, `${name} ${index}`)),
  features: tf.tensor2d(labels.map((label) => Array.from({ length: WIDTH }, (_, place) => at(label, place)))),
});

const TRUTHS = Array.from({ length: 10 }, (_, index) => index % CLASSES);

/** Around a corner of their own for each class. */
const separable = (name: string, seed: number): PhotoFeatures => {
  const random = seededRandom(seed);
  return described(name, TRUTHS, (label, place) => random() + (place === label ? 1.5 : 0));
};

const work = temporaryFolder({ after });
const at = (name: string) => path.join(work, name);
let photos: PhotoFeatures;
let unseenFeatures: PhotoFeatures;
before(async () => {
  await loadBackend({ native: false });
  [photos, unseenFeatures] = [separable('photo', 1), separable('unseen', 2)];
});

/** What is right for the training is wrong here: the better it is learned, the higher the loss. */
const misleading = (): PhotoFeatures => {
  const examples = unseenFeatures.examples.map((photo) => ({ ...photo, label: (photo.label + 1) % CLASSES }));
  return { ...unseenFeatures, examples };
};

const RECIPE: RecipeOptions = { epochs: 3, batchSize: 4, learningRate: 0.05 };

const tiny = (options: HeadOptions = {}) => buildHead(WIDTH, CLASSES, { hidden: 4, ...options });

interface Given {
  readonly head?: LayersModel;
  readonly train?: PhotoFeatures;
  readonly validation?: PhotoFeatures | undefined;
}

const run = async (
  recipe: RecipeOptions = {},
  { head = tiny(), train = photos, validation = unseenFeatures }: Given = {},
  options: TrainingRunOptions = {},
) => {
  const history = await trainOnFeatures({
    ...{ head, classes: CLASSES, train, validation, ...options },
    recipe: { ...RECIPE, ...recipe },
  });
  return { head, history: untimed(history), weights: weightValues(head) };
};

test('it ends with the weights of the last epoch, or with patience those of the best, also without validation photos', async () => {
  const plain = await run();
  assert.deepEqual(await evaluateHead(plain.head, unseenFeatures), plain.history.at(-1)?.validation);
  const { head, history } = await run({ epochs: 40, patience: 4 }, { validation: misleading() });
  const losses = history.map(({ validation }) => validation?.loss ?? Number.NaN);
  const best = losses.indexOf(Math.min(...losses));
  assert.equal(history.length, best + 1 + 4);
  assert.deepEqual(await evaluateHead(head, misleading()), history[best]?.validation);
  const without = await trainOnFeatures({ head, classes: CLASSES, train: photos, recipe: { epochs: 1 } });
  for (const result of without) assert.equal('validation' in result, false);
});

test('without informative features the frequent class wins, unless classes are balanced', async () => {
  const blank = described('blank', [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2], () => 0);
  const options = { epochs: 60, batchSize: 12, labelSmoothing: 0, emaDecay: 0 };
  const [plain, balanced] = [
    await run(options, { train: blank }),
    await run({ ...options, balanced: true }, { train: blank }),
  ];
  const [first, second] = [plain, balanced].map(({ head }) => {
    const logits = head.predict(tf.zeros([1, WIDTH]));
    assert.ok(logits instanceof tf.Tensor);
    return tf.softmax(logits).dataSync();
  });
  assertClose(first ?? [], [2 / 3, 1 / 6, 1 / 6], 0.05);
  assertClose(second ?? [], [1 / 3, 1 / 3, 1 / 3], 0.05);
});

const LABELS = ['astilbe', 'bellflower', 'daisy'];

const train = colouredPhotos(18, CLASSES, 1);
const validation = colouredPhotos(6, CLASSES, 2);
const unseen = colouredPhotos(9, CLASSES, 3);
const BACKBONE = { side: 32 };

const BACKBONE_RECIPE: RecipeOptions = { epochs: 3, batchSize: 6, learningRate: 0.02 };

const trainOn = (
  directory: string,
  options: Partial<TrainHeadOptions> = {},
  split: Partial<Split> = {},
): Promise<TrainedHead> =>
  trainHead({
    pretrained: { directory, name: 'tiny' },
    ...{ classes: CLASSES, backbone: BACKBONE, head: { hidden: 16, dropout: 0.1, featureDropout: 0.1 } },
    ...options,
    recipe: { ...BACKBONE_RECIPE, ...options.recipe },
  })({ train, validation, test: [], ...split });

/** What the exported model says of the unseen photos. */
const exported = async ({ write }: TrainedHead, precision: WeightPrecision) => {
  const graph = buildServingGraph(write, { labels: LABELS, version: '1', precision });
  const runner = new GraphRunner(decodeSavedModel(encodeSavedModel(graph)));
  const values = unseen.map(({ pixels }) => pixels);
  const output = await runner.run(new Map([[INPUT_NAME, { shape: [unseen.length], values }]]));
  return {
    probabilities: numbersIn(output.get(OUTPUT_NAMES.probabilities)),
    labels: textsIn(output.get(OUTPUT_NAMES.label)),
  };
};

/** What TensorFlow.js says of them: the head on the backbone's features, the mean of both views. */
const computed = async (directory: string, { head, standardization }: TrainedHead): Promise<number[]> => {
  const backbone = await Backbone.load(directory, BACKBONE);
  return tf.tidy(() => {
    const photos = photoTensor(unseen);
    const views = [photos, tf.reverse(photos, 2)].map((view) => {
      const logits = head.predict(standardize(backbone.extract(view), standardization));
      assert.ok(logits instanceof tf.Tensor);
      return tf.softmax(logits);
    });
    return [...tf.mean(tf.stack(views), 0).dataSync()];
  });
};

describe('a head on a backbone', () => {
  let directory = '';
  let result: TrainedHead;
  before(async () => {
    directory = await saveLayers(at('layers'), tinyLayers());
    result = await trainOn(directory, { recipe: { epochs: 40 } });
  });

  test('learns to distinguish the photos, and is a small part of the whole', () => {
    const { history, parameters, side, head } = result;
    assert.ok((history.at(-1)?.validation?.loss ?? Infinity) < Math.log(CLASSES) / 2, 'half of chance');
    assert.equal(parameters.trained, weightValues(head).flat().length);
    assert.ok(parameters.total > parameters.trained);
    assert.equal(side, BACKBONE.side);
  });

  test('is exported as what TensorFlow.js computes, and classifies correctly in half precision', async () => {
    const expected = await computed(directory, result);
    assertClose((await exported(result, 'float')).probabilities, expected, 1e-4);
    const { labels } = await exported(result, 'half');
    const right = labels.filter((label, index) => label === LABELS[unseen[index]?.label ?? -1]);
    assert.ok(right.length > unseen.length - 3, labels.join());
  });

  test("knows the exported network's outputs for its photos without running it", async () => {
    const expected = await extractFeaturesAndLogits(result.write, train);
    const actual = (await result.forwardTrained?.()) ?? [];
    assert.equal(actual.length, train.length);
    actual.forEach(({ label, features, logits }, index) => {
      const { features: seen = [], logits: rounded = [] } = expected[index] ?? {};
      assert.equal(label, train[index]?.label);
      // The exported network's weights are rounded.
      assertClose(features, seen, 2e-3);
      assertClose(logits, rounded, 0.3);
    });
  });
});

test('it starts from an earlier head with the standardization of that one, whatever the new photos are', async () => {
  const directory = saveTinyGraph(at('earlier'));
  const first = await trainOn(directory, { recipe: { epochs: 20 } });
  const keys: string[] = [];
  const earlier = (key: string): EarlierHead => {
    keys.push(key);
    return { standardization: first.standardization, build: () => first.head };
  };
  const weights = weightValues(first.head).flat();
  const others = colouredPhotos(6, CLASSES, 9).slice(0, 4);
  const recipe = { epochs: 1, learningRate: 1e-9 };
  const next = await trainOn(directory, { recipe, earlier }, { train: others });
  assert.deepEqual(keys, [first.key]);
  assert.deepEqual(next.standardization, first.standardization);
  const fresh = await trainOn(directory, { recipe }, { train: others });
  assert.notDeepEqual(fresh.standardization, first.standardization);
  assertClose(weightValues(next.head).flat(), weights, 1e-6);
  assertClose((await exported(next, 'float')).probabilities, await computed(directory, first), 1e-4);
});

test('a checkpoint on another backbone, or on another use of it, is not resumed', async () => {
  const [directory, other] = [saveTinyGraph(at('one')), saveTinyGraph(at('two'), 'none')];
  const few = { train: train.slice(0, 6), validation: [] };
  const start = async (change: Partial<TrainHeadOptions>) => {
    const { checkpoints, warnings } = watchedCheckpoints(at('changing'));
    await trainOn(directory, { ...change, checkpoints, recipe: { epochs: 1 } }, few);
    return warnings;
  };
  const changes: readonly Partial<TrainHeadOptions>[] = [
    {},
    { pretrained: { directory: other, name: 'another' } },
    { backbone: { side: 64 } },
  ];
  for (const [index, change] of changes.entries()) {
    const warnings = await start(change);
    assert.equal(warnings.length, Math.min(1, index));
    for (const text of warnings) assert.match(text, /another training, which differs in its options;/);
  }
});

test('stopped among the features, then in the training of the head, it ends with the very same head', async () => {
  const directory = saveTinyGraph(at('stopped graph'));
  const expected = await trainOn(directory);
  const cacheDirectory = at('cache');
  const start = (options: Partial<TrainHeadOptions>) => trainOn(directory, { cacheDirectory, ...options });
  const stop = new AbortController();
  await assert.rejects(start({ signal: stop.signal, onFeatures: () => stop.abort() }), AbortedError);
  assert.equal(readdirSync(path.join(cacheDirectory, readdirSync(cacheDirectory)[0] ?? '')).length, 1);
  const { resumed, head, history, standardization } = await runWithStops(at('stopped'), [4], start);
  assert.deepEqual(resumed, [4]);
  assert.deepEqual(standardization, expected.standardization);
  assert.deepEqual(untimed(history), untimed(expected.history));
  assert.deepEqual(weightValues(head), weightValues(expected.head));
});
