import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { extractFeatures } from '../calibration/observe.ts';
import { INPUT_NAME, OUTPUT_NAMES } from '../contract/tensors.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import type { WeightPrecision } from '../savedmodel/graph.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { CheckpointStore } from '../training/checkpoint.ts';
import type { EpochResult } from '../training/progress.ts';
import { Stopped } from '../training/stop.ts';
import { photoTensor } from '../training/tensors.ts';
import { Backbone } from './backbone.ts';
import { standardize } from './standardization.ts';
import { colouredPhotos, saveLayers, saveTinyGraph, tinyLayers } from './testing.ts';
import {
  type EarlierHead,
  type TransferOptions,
  type TransferResult,
  trainTransfer,
} from './train-transfer.ts';

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

const options = (directory: string): TransferOptions => ({
  ...{ directory, classes: CLASSES, train, validation },
  backbone: BACKBONE,
  head: { hidden: 16, dropout: 0.1, featureDropout: 0.1 },
  ...{ epochs: 3, batchSize: 6, learningRate: 0.02 },
});

const weightsOf = (head: LayersModel) => head.getWeights().map((weight) => [...weight.dataSync()]);
const untimed = (history: readonly EpochResult[]) => history.map((result) => ({ ...result, seconds: 0 }));

/** What the exported model says of the unseen photos. */
const exported = async ({ network }: TransferResult, precision: WeightPrecision) => {
  const graph = buildServingGraph(network, { labels: LABELS, version: '1', precision });
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
const computed = async (directory: string, { head, standardization }: TransferResult): Promise<number[]> => {
  const backbone = await Backbone.load(directory, BACKBONE);
  return tf.tidy(() => {
    const photos = photoTensor(unseen);
    const views = [photos, tf.reverse(photos, 2)].map((view) => {
      const logits = head.predict(standardize(backbone.describe(view), standardization));
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
    let result: TransferResult;
    before(async () => {
      directory = await save(name);
      result = await trainTransfer({ ...options(directory), epochs: 40 });
    });
    after(() => result.dispose());

    test('learns to tell the photos apart, and is a small part of the whole', () => {
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

    test('names unseen photos rightly as it is served, with weights of half precision', async () => {
      const { labels } = await exported(result, 'half');
      const right = labels.filter((label, index) => label === LABELS[unseen[index]?.label ?? -1]);
      assert.ok(right.length > unseen.length - 3, labels.join());
    });

    test('tells of its photos what the exported network makes of them, without another look', async () => {
      const expected = await extractFeatures(result.network, train);
      const actual = await result.observeTrained();
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

test('it goes on from an earlier head with what that one took for usual, whatever the new photos are', async () => {
  const directory = saveTinyGraph(at('earlier'));
  const first = await trainTransfer({ ...options(directory), epochs: 20 });
  const keys: string[] = [];
  const earlier = (key: string): EarlierHead => {
    keys.push(key);
    return { standardization: first.standardization, build: () => first.head };
  };
  const weights = weightsOf(first.head).flat();
  const others = colouredPhotos(6, CLASSES, 9).slice(0, 4);
  const still = { epochs: 1, learningRate: 1e-9 };
  const next = await trainTransfer({ ...options(directory), ...still, train: others, earlier });
  assert.deepEqual(keys, [first.key]);
  assert.deepEqual(next.standardization, first.standardization);
  const anew = await trainTransfer({ ...options(directory), ...still, train: others });
  assert.notDeepEqual(anew.standardization, first.standardization);
  assertClose(weightsOf(next.head).flat(), weights, 1e-6);
  assertClose((await exported(next, 'float')).probabilities, await computed(directory, first), 1e-4);
});

test('an earlier head that is refused ends the training before any photo is looked at', async () => {
  const looked: number[] = [];
  const refused = trainTransfer({
    ...options(saveTinyGraph(at('refused'))),
    earlier: () => {
      throw new Error('of another backbone');
    },
    onFeatures: (done) => looked.push(done),
  });
  await assert.rejects(refused, /of another backbone/);
  assert.deepEqual(looked, []);
});

test('a checkpoint on another backbone, or on another use of it, is not gone on from', async () => {
  const [directory, other] = [saveTinyGraph(at('one')), saveTinyGraph(at('two'), 'none')];
  const resumed: number[] = [];
  const few = (of: string) => ({ ...options(of), train: train.slice(0, 6), validation: [], epochs: 1 });
  const going = async (name: string, change: Partial<TransferOptions>, warnings: string[] = []) => {
    const checkpoints = new CheckpointStore(at(`checkpoints ${name}`), {
      onWarning: (text) => warnings.push(text),
    });
    const onResume = ({ steps }: { readonly steps: number }) => resumed.push(steps);
    return trainTransfer({ ...few(directory), ...change, checkpoints, onResume });
  };
  const changes: Readonly<Record<string, Partial<TransferOptions>>> = {
    network: { directory: other },
    side: { backbone: { side: 64 } },
    context: { context: 'another' },
  };
  for (const [name, change] of Object.entries(changes)) {
    await going(name, {});
    const warnings: string[] = [];
    const { head } = await going(name, change, warnings);
    assert.equal(warnings.length, 1, name);
    for (const text of warnings) assert.match(text, /another training, which differs in its options;/);
    assert.deepEqual(resumed, [], name);
    assert.deepEqual(
      weightsOf(head),
      weightsOf((await trainTransfer({ ...few(directory), ...change })).head),
    );
  }
  await going('same', {});
  await going('same', {});
  assert.deepEqual(resumed, [1], 'on the same one it is');
});

test('stopped among the features, then in the training of the head, it ends with the very same head', async () => {
  const directory = saveTinyGraph(at('stopped'));
  const expected = await trainTransfer(options(directory));
  const cacheDirectory = at('cache');
  const going = (change: Partial<TransferOptions>) =>
    trainTransfer({
      ...{ ...options(directory), cacheDirectory },
      checkpoints: new CheckpointStore(at('checkpoints stopped')),
      ...change,
    });
  const [first, second] = [new AbortController(), new AbortController()];
  await assert.rejects(going({ signal: first.signal, onFeatures: () => first.abort() }), Stopped);
  assert.equal(readdirSync(path.join(cacheDirectory, readdirSync(cacheDirectory)[0] ?? '')).length, 1);
  let steps = 0;
  const inEpoch = going({
    signal: second.signal,
    onStep: () => {
      steps += 1;
      if (steps === 4) second.abort();
    },
  });
  await assert.rejects(inEpoch, Stopped);
  const resumed: number[] = [];
  const { head, history, standardization } = await going({ onResume: ({ steps }) => resumed.push(steps) });
  assert.deepEqual(resumed, [4]);
  assert.deepEqual(standardization, expected.standardization);
  assert.deepEqual(untimed(history), untimed(expected.history));
  assert.deepEqual(weightsOf(head), weightsOf(expected.head));
});

test('disposed of, it leaves nothing in memory; nor does one that was stopped', async () => {
  const directory = saveTinyGraph(at('memory'));
  (await trainTransfer(options(directory))).dispose();
  const { numTensors } = tf.memory();
  const result = await trainTransfer(options(directory));
  await result.observeTrained();
  result.dispose();
  assert.equal(tf.memory().numTensors, numTensors);
  const controller = new AbortController();
  const { signal } = controller;
  const onStep = () => controller.abort();
  await assert.rejects(trainTransfer({ ...options(directory), signal, onStep }), Stopped);
  assert.equal(tf.memory().numTensors, numTensors, 'stopped in the training of the head');
  await assert.rejects(trainTransfer({ ...options(directory), signal }), Stopped);
  assert.equal(tf.memory().numTensors, numTensors, 'stopped among the features');
});
