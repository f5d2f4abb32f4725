import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { assertClose, example, noise } from '../shared/test-pictures.ts';
import type { Example } from '../training/dataset.ts';
import { Stopped } from '../training/stop.ts';
import { photoTensor } from '../training/tensors.ts';
import { Backbone, type BackboneOptions } from './backbone.ts';
import { extractFeatures, type FeatureOptions } from './features.ts';
import { saveTinyGraph } from './testing.ts';

const work = mkdtempSync(path.join(tmpdir(), 'bloomstack-features-'));
const at = (name: string) => path.join(work, name);
before(async () => {
  await loadBackend({ native: false });
  saveTinyGraph(at('graph'));
});
after(() => rmSync(work, { recursive: true }));

/** Two batches, of which the last is small. */
const photos: readonly Example[] = Array.from({ length: 18 }, (_, index) =>
  example(0, `photo ${index}`, noise(index)),
);
const BATCHES = 2;

const load = (options: BackboneOptions = {}) => Backbone.load(at('graph'), { side: 32, ...options });

/** Features, and how often the backbone looked at a batch of photos for them. */
const pluralize = async (
  t: TestContext,
  backbone: Backbone,
  options: FeatureOptions = {},
  examples: readonly Example[] = photos,
) => {
  const { mock } = t.mock.method(backbone, 'describe');
  try {
    return { features: await extractFeatures(backbone, examples, options), looks: mock.callCount() };
  } finally {
    mock.restore();
  }
};

/** The files of a cache, which lie in a folder for each backbone. */
const filesIn = (directory: string): string[] =>
  readdirSync(directory).flatMap((folder) =>
    readdirSync(path.join(directory, folder)).map((name) => path.join(directory, folder, name)),
  );

test('each photo has its own features, whatever its batch', async () => {
  const backbone = await load();
  const features = await extractFeatures(backbone, photos);
  assert.equal(features.length, photos.length);
  for (const index of [0, 15, 17]) {
    const alone = tf.tidy(() => [
      ...backbone.describe(photoTensor(photos.slice(index, index + 1))).dataSync(),
    ]);
    assertClose(features[index] ?? [], alone, 1e-4);
  }
  assert.notDeepEqual(features[0], features[1]);
});

test('with a cache they are the same, and the second time nothing is computed', async (t) => {
  const backbone = await load();
  const cacheDirectory = at('cache');
  const plain = await pluralize(t, backbone);
  const first = await pluralize(t, backbone, { cacheDirectory });
  const second = await pluralize(t, backbone, { cacheDirectory });
  assert.deepEqual(
    [plain, first, second].map(({ looks }) => looks),
    [BATCHES, BATCHES, 0],
  );
  assert.deepEqual(first.features, plain.features);
  assert.deepEqual(second.features, plain.features);
});

test('the backbone, opened anew by another run, has its features there', async (t) => {
  const cacheDirectory = at('reopened');
  const { features } = await pluralize(t, await load(), { cacheDirectory });
  const again = await pluralize(t, await load(), { cacheDirectory });
  assert.equal(again.looks, 0);
  assert.deepEqual(again.features, features);
});

test('those of another backbone, or of another use of it, are not mixed up', async (t) => {
  const cacheDirectory = at('backbones');
  const few = photos.slice(0, 2);
  saveTinyGraph(at('other'), 'none');
  const backbones = [
    await load(),
    await load({ side: 64 }),
    await load({ stages: 1 }),
    await Backbone.load(at('other'), { side: 32 }),
  ];
  for (const backbone of backbones) {
    const expected = await pluralize(t, backbone, {}, few);
    const actual = await pluralize(t, backbone, { cacheDirectory }, few);
    assert.equal(actual.looks, 1, backbone.key);
    assert.deepEqual(actual.features, expected.features, backbone.key);
  }
});

/** What may happen to the files of a cache. */
const DAMAGES: Readonly<Record<string, (file: string, another: string) => void>> = {
  'cut short': (file) => writeFileSync(file, readFileSync(file).subarray(0, -4)),
  altered: (file) => {
    const bytes = readFileSync(file);
    bytes.writeFloatLE(bytes.readFloatLE(bytes.length - 4) + 1, bytes.length - 4);
    writeFileSync(file, bytes);
  },
  'of other photos': (file, another) => writeFileSync(file, readFileSync(another)),
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`a file that is ${name} is computed again, and whole the next time`, async (t) => {
    const backbone = await load();
    const cacheDirectory = at(`damaged ${name}`);
    const { features } = await pluralize(t, backbone, { cacheDirectory });
    const [file, another] = filesIn(cacheDirectory);
    assert.ok(file && another);
    damage(file, another);
    const mended = await pluralize(t, backbone, { cacheDirectory });
    assert.equal(mended.looks, 1);
    assert.deepEqual(mended.features, features);
    assert.equal((await pluralize(t, backbone, { cacheDirectory })).looks, 0);
  });
}

test('stopped, it keeps what it has, and goes on from there to the very same features', async (t) => {
  const backbone = await load();
  const cacheDirectory = at('stopped');
  const expected = await pluralize(t, backbone);
  const controller = new AbortController();
  const progress: string[] = [];
  const stopped = pluralize(t, backbone, {
    cacheDirectory,
    signal: controller.signal,
    onProgress: (done, total) => {
      progress.push(`${done}/${total}`);
      controller.abort();
    },
  });
  await assert.rejects(stopped, (error) => {
    assert.ok(error instanceof Stopped);
    assert.equal(error.message, 'Stopped while computing features.');
    return true;
  });
  assert.deepEqual(progress, ['16/18']);
  assert.equal(filesIn(cacheDirectory).length, 1);
  const { features, looks } = await pluralize(t, backbone, { cacheDirectory });
  assert.equal(looks, 1);
  assert.deepEqual(features, expected.features);
});

test('stopped before it begins, it does nothing', async (t) => {
  const backbone = await load();
  const { mock } = t.mock.method(backbone, 'describe');
  await assert.rejects(extractFeatures(backbone, photos, { signal: AbortSignal.abort() }), Stopped);
  assert.equal(mock.callCount(), 0);
});

test('nothing is left in memory', async () => {
  const backbone = await load();
  const { numTensors } = tf.memory();
  await extractFeatures(backbone, photos.slice(0, 17), { cacheDirectory: at('memory') });
  assert.equal(tf.memory().numTensors, numTensors);
});
