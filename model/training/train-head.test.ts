import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Backbone } from '../backbone/backbone.ts';
import { colouredPhotos, saveLayers, saveTinyGraph, tinyLayers } from '../backbone/tiny-networks.ts';
import { loadBackend } from '../backend/backend.ts';
import { extractFeaturesAndLogits } from '../calibration/observe.ts';
import { INPUT_NAME, OUTPUT_NAMES } from '../contract/tensors.ts';
import { photoTensor } from '../data/augment.ts';
import type { Split } from '../data/split.ts';
import { standardize } from '../network/head.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import type { WeightPrecision } from '../savedmodel/graph.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import { AbortedError } from '../shared/abort.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { CheckpointStore, type EpochResult } from '../training/checkpoint.ts';
import type { RecipeOptions } from './recipe.ts';
import { type EarlierHead, type TrainedHead, type TrainHeadOptions, trainHead } from './train-head.ts';

const LABELS = ['astilbe', 'bellflower', 'daisy'];
const CLASSES = LABELS.length;

const work = mkdtempSync(path.join(tmpdir(), 'bloomstack-transfer-'));
const at = (name: string) => path.join(work, name);
before(() => loadBackend({ native: false }));
after(() => rmSync(work, { recursive: true }));

const train = colouredPhotos(18, CLASSES, 1);
const validation = colouredPhotos(6, CLASSES, 2);
const unseen = colouredPhotos(9, CLASSES, 3);
const BACKBONE = { side: 32 };

const RECIPE: RecipeOptions = { epochs: 3, batchSize: 6, learningRate: 0.02 };

const trainOn = (
  directory: string,
  options: Partial<TrainHeadOptions> = {},
  split: Partial<Split> = {},
): Promise<TrainedHead> =>
  trainHead({
    pretrained: { directory, name: 'tiny' },
    ...{ classes: CLASSES, backbone: BACKBONE, head: { hidden: 16, dropout: 0.1, featureDropout: 0.1 } },
    ...options,
    recipe: { ...RECIPE, ...options.recipe },
  })({ train, validation, test: [], ...split });

const weightsOf = (head: LayersModel) => head.getWeights().map((weight) => [...weight.dataSync()]);
const untimed = (history: readonly EpochResult[]) => history.map((result) => ({ ...result, seconds: 0 }));

/** What the exported model says of the unseen photos. */
const exported = async ({ write }: TrainedHead, precision: WeightPrecision) => {
  const graph = buildServingGraph(write, { labels: LABELS, version: '1', precision });
  const runner = new GraphRunner(decodeSavedModel(encodeSavedModel(graph)));
  const input = { shape: [unseen.length], values: unseen.map(({ pixels }) => pixels) };
  const output = await runner.run(new Map([[INPUT_NAME, input]]));
  const probabilities = output.get(OUTPUT_NAMES.probabilities);
  const label = output.get(OUTPUT_NAMES.label);
  assert.ok(probabilities && 'numbers' in probabilities && label && 'strings' in label);
  return {
    probabilities: probabilities.numbers,
    labels: label.strings.map((bytes) => new TextDecoder().decode(bytes)),
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

const BACKBONES: Readonly<Record<string, (name: string) => string | Promise<string>>> = {
  'a graph model': (name) => saveTinyGraph(at(name)),
  'a layers model': (name) => saveLayers(at(name), tinyLayers()),
};

for (const [name, save] of Object.entries(BACKBONES)) {
  describe(`a head on ${name}`, () => {
    let directory = '';
    let result: TrainedHead;
    before(async () => {
      directory = await save(name);
      result = await trainOn(directory, { recipe: { epochs: 40 } });
    });
    after(() => result.dispose());

    test('learns to distinguish the photos, and is a small part of the whole', () => {
      const chance = Math.log(CLASSES);
      assert.ok((result.history.at(-1)?.validation?.loss ?? chance) < chance / 2);
      const { total, trained } = result.parameters;
      assert.equal(trained, weightsOf(result.head).flat().length);
      assert.ok(total > trained);
      assert.equal(result.side, BACKBONE.side);
    });

    test('is exported as what TensorFlow.js computes', async () => {
      const expected = await computed(directory, result);
      assertClose((await exported(result, 'float')).probabilities, expected, 1e-4);
    });

    test('classifies unseen photos correctly as it is served, with weights of half precision', async () => {
      const { labels } = await exported(result, 'half');
      const right = labels.filter((label, index) => label === LABELS[unseen[index]?.label ?? -1]);
      assert.ok(right.length > unseen.length - 3, labels.join());
    });

    test('knows what the exported network makes of its photos, without running it', async () => {
      const expected = await extractFeaturesAndLogits(result.write, train);
      const actual = await result.forwardTrained?.();
      assert.ok(actual);
      assert.deepEqual(
        actual.map(({ label }) => label),
        train.map(({ label }) => label),
      );
      const { scale } = result.standardization;
      actual.forEach(({ features, logits }, index) => {
        const { features: seen = [], logits: views = [] } = expected[index] ?? {};
        // The exported network looks at the mirror image too, and its weights are rounded. What that does to a feature
        // is compared before it is standardized, which would blow it up where a feature hardly varies.
        const unscaled = (values: readonly number[]) => values.map((value, at) => value / (scale[at] ?? 0));
        assertClose(unscaled(features), unscaled(seen), 2e-3);
        assert.equal(logits.length, 1);
        assertClose(logits[0] ?? [], views[0] ?? [], 0.3);
      });
    });
  });
}

test('it starts from an earlier head with the standardization of that one, whatever the new photos are', async () => {
  const directory = saveTinyGraph(at('earlier'));
  const first = await trainOn(directory, { recipe: { epochs: 20 } });
  const keys: string[] = [];
  const earlier = (key: string): EarlierHead => {
    keys.push(key);
    return { standardization: first.standardization, build: () => first.head };
  };
  const weights = weightsOf(first.head).flat();
  const others = colouredPhotos(6, CLASSES, 9).slice(0, 4);
  const recipe = { epochs: 1, learningRate: 1e-9 };
  const next = await trainOn(directory, { recipe, earlier }, { train: others });
  assert.deepEqual(keys, [first.key]);
  assert.deepEqual(next.standardization, first.standardization);
  const fresh = await trainOn(directory, { recipe }, { train: others });
  assert.notDeepEqual(fresh.standardization, first.standardization);
  assertClose(weightsOf(next.head).flat(), weights, 1e-6);
  assertClose((await exported(next, 'float')).probabilities, await computed(directory, first), 1e-4);
});

test('an earlier head that is refused ends the training before any photo is looked at', async () => {
  const looked: number[] = [];
  const refused = trainOn(saveTinyGraph(at('refused')), {
    earlier: () => {
      throw new Error('of another backbone');
    },
    onFeatures: (done) => looked.push(done),
  });
  await assert.rejects(refused, /of another backbone/);
  assert.deepEqual(looked, []);
});

test('a checkpoint on another backbone, or on another use of it, is not resumed', async () => {
  const [directory, other] = [saveTinyGraph(at('one')), saveTinyGraph(at('two'), 'none')];
  const resumed: number[] = [];
  const trainFew = (options: Partial<TrainHeadOptions>) =>
    trainOn(directory, { ...options, recipe: { epochs: 1 } }, { train: train.slice(0, 6), validation: [] });
  const start = async (name: string, change: Partial<TrainHeadOptions>, warnings: string[] = []) => {
    const checkpoints = new CheckpointStore(at(`checkpoints ${name}`), {
      onWarning: (text) => warnings.push(text),
    });
    const onResume = ({ steps }: { readonly steps: number }) => resumed.push(steps);
    return trainFew({ ...change, checkpoints, onResume });
  };
  const changes: Readonly<Record<string, Partial<TrainHeadOptions>>> = {
    network: { pretrained: { directory: other, name: 'another' } },
    side: { backbone: { side: 64 } },
    context: { context: 'another' },
  };
  for (const [name, change] of Object.entries(changes)) {
    await start(name, {});
    const warnings: string[] = [];
    const { head } = await start(name, change, warnings);
    assert.equal(warnings.length, 1, name);
    for (const text of warnings) assert.match(text, /another training, which differs in its options;/);
    assert.deepEqual(resumed, [], name);
    assert.deepEqual(weightsOf(head), weightsOf((await trainFew(change)).head));
  }
  await start('same', {});
  await start('same', {});
  assert.deepEqual(resumed, [1], 'on the same one it is');
});

test('stopped among the features, then in the training of the head, it ends with the very same head', async () => {
  const directory = saveTinyGraph(at('stopped'));
  const expected = await trainOn(directory);
  const cacheDirectory = at('cache');
  const start = (change: Partial<TrainHeadOptions>) =>
    trainOn(directory, {
      cacheDirectory,
      checkpoints: new CheckpointStore(at('checkpoints stopped')),
      ...change,
    });
  const [first, second] = [new AbortController(), new AbortController()];
  await assert.rejects(start({ signal: first.signal, onFeatures: () => first.abort() }), AbortedError);
  assert.equal(readdirSync(path.join(cacheDirectory, readdirSync(cacheDirectory)[0] ?? '')).length, 1);
  let steps = 0;
  const inEpoch = start({
    signal: second.signal,
    onStep: () => {
      steps += 1;
      if (steps === 4) second.abort();
    },
  });
  await assert.rejects(inEpoch, AbortedError);
  const resumed: number[] = [];
  const { head, history, standardization } = await start({ onResume: ({ steps }) => resumed.push(steps) });
  assert.deepEqual(resumed, [4]);
  assert.deepEqual(standardization, expected.standardization);
  assert.deepEqual(untimed(history), untimed(expected.history));
  assert.deepEqual(weightsOf(head), weightsOf(expected.head));
});

test('disposed of, it leaves nothing in memory; nor does one that was stopped', async () => {
  const directory = saveTinyGraph(at('memory'));
  (await trainOn(directory)).dispose();
  const { numTensors } = tf.memory();
  const result = await trainOn(directory);
  await result.forwardTrained?.();
  result.dispose();
  assert.equal(tf.memory().numTensors, numTensors);
  const controller = new AbortController();
  const { signal } = controller;
  const onStep = () => controller.abort();
  await assert.rejects(trainOn(directory, { signal, onStep }), AbortedError);
  assert.equal(tf.memory().numTensors, numTensors, 'stopped in the training of the head');
  await assert.rejects(trainOn(directory, { signal }), AbortedError);
  assert.equal(tf.memory().numTensors, numTensors, 'stopped among the features');
});
