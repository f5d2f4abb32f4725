import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { loadBackend } from '../backend/backend.ts';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import { assertClose, example, noise } from '../shared/test-pictures.ts';
import { Backbone, type BackboneOptions } from './backbone.ts';
import { computeFeatures, type FeatureOptions } from './features.ts';
import { saveTinyGraph } from './test-backbones.ts';

const work = temporaryFolder({ after });
const at = (name: string) => path.join(work, name);
before(async () => {
  await loadBackend({ native: false });
  saveTinyGraph(at('graph'));
});

/** Two batches, of which the last is small. */
const photos: readonly Example[] = Array.from({ length: 18 }, (_, index) =>
  example(0, `photo ${index}`, noise(index)),
);
const BATCHES = 2;

const load = (options: BackboneOptions = {}) => Backbone.load(at('graph'), { side: 32, ...options });

/** Features, and how often the backbone looked at a batch of photos for them. */
const counted = async (
  t: TestContext,
  backbone: Backbone,
  options: FeatureOptions = {},
  examples: readonly Example[] = photos,
) => {
  const { mock } = t.mock.method(backbone, 'extract');
  try {
    return { features: await computeFeatures(backbone, examples, options), looks: mock.callCount() };
  } finally {
    mock.restore();
  }
};

/** The files of a cache, in a folder for each backbone. */
const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(directory, name))
    .filter((name) => statSync(name).isFile());

test('each photo has its own features, whatever its batch, and nothing is left in memory', async () => {
  const backbone = await load();
  const { numTensors } = tf.memory();
  const features = await computeFeatures(backbone, photos);
  assert.equal(tf.memory().numTensors, numTensors);
  assert.equal(features.length, photos.length);
  for (const index of [0, 15, 17]) {
    const alone = tf.tidy(() => [
      ...backbone.extract(photoTensor(photos.slice(index, index + 1))).dataSync(),
    ]);
    assertClose(features[index] ?? [], alone, 1e-4);
  }
  assert.notDeepEqual(features[0], features[1]);
});

test('with a cache they are the same, and another run computes nothing, but for another use of the backbone', async (t) => {
  const cacheDirectory = at('cache');
  const plain = await counted(t, await load());
  const first = await counted(t, await load(), { cacheDirectory });
  const second = await counted(t, await load(), { cacheDirectory });
  const other = await counted(t, await load({ side: 64 }), { cacheDirectory });
  assert.deepEqual(
    [plain, first, second, other].map(({ looks }) => looks),
    [BATCHES, BATCHES, 0, BATCHES],
  );
  assert.deepEqual([first.features, second.features], [plain.features, plain.features]);
});

test('features are read back to the bit, and a truncated or moved file is not used', async (t) => {
  const backbone = await load();
  const cacheDirectory = at('kept');
  const few = photos.slice(0, 2);
  const looksAt = (examples: readonly Example[]) => counted(t, backbone, { cacheDirectory }, examples);
  const { features } = await looksAt(few);
  const [file = ''] = filesIn(cacheDirectory);
  const whole = await readFile(file);
  await looksAt(few.toReversed());
  const other = filesIn(cacheDirectory).find((name) => name !== file) ?? '';
  for (const [place, content, examples] of [
    [file, whole.subarray(0, -1), few],
    [other, whole, few.toReversed()],
  ] as const) {
    await writeFile(place, content);
    assert.equal((await looksAt(examples)).looks, 1);
    assert.equal((await looksAt(examples)).looks, 0, 'and is whole the next time');
  }
  assert.deepEqual((await looksAt(few)).features, features);
});
