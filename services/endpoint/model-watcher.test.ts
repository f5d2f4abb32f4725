import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { pino } from 'pino';
import { z } from 'zod';
import { loadBackend } from '../../model/backend/backend.ts';
import { MODEL_NAME, PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { createEndpointApp } from './app.ts';
import { ModelWatcher } from './model-watcher.ts';
import { ModelStore } from './models.ts';
import { tinySavedModel } from './tiny-endpoint.ts';

await loadBackend({ native: false });

const answerSchema = z.object({ predictions: z.tuple([z.object({ model_version: z.string() })]) });

/** An endpoint emulator that serves version 7 of a folder of its own. */
const startWatching = async (t: TestContext) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'bloomstack-models-'));
  t.after(() => rm(directory, { recursive: true }));
  const base = path.join(directory, MODEL_NAME);
  const put = async (version: string, content: Uint8Array | string = tinySavedModel(version)) => {
    await mkdir(path.join(base, version), { recursive: true });
    await writeFile(path.join(base, version, 'saved_model.pb'), content);
  };
  await put('7');
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
  const store = await ModelStore.load({ directory });
  const watcher = new ModelWatcher({ directory, store, log });
  const app = createEndpointApp({ store, endpointName: MODEL_NAME, log });
  const ask = async (): Promise<string> => {
    const photo = { b64: Buffer.alloc(PHOTO_BYTES, 90).toString('base64') };
    const response = await store.during(() =>
      app.request('/invocations', {
        method: 'POST',
        body: JSON.stringify({ instances: [photo] }),
        headers: { 'Content-Type': 'application/json' },
      }),
    );
    return answerSchema.parse(await response.json()).predictions[0].model_version;
  };
  const status = async () => (await app.request(`/v1/models/${MODEL_NAME}`)).json();
  return { directory, base, put, store, watcher, ask, status, warnings };
};

const available = (version: string) => ({
  version,
  state: 'AVAILABLE',
  status: { error_code: 'OK', error_message: '' },
});

test('a newer version is served as soon as it is found, an older one once it is the only one', async (t) => {
  const { base, put, watcher, ask, status } = await startWatching(t);
  await put('6');
  await watcher.poll();
  assert.equal(await ask(), '7');
  await put('10');
  await watcher.poll();
  assert.equal(await ask(), '10');
  assert.deepEqual(await status(), { model_version_status: [available('10')] });
  for (const version of ['7', '10']) await rm(path.join(base, version), { recursive: true });
  await watcher.poll();
  assert.equal(await ask(), '6');
});

test('new versions are found without a restart', async (t) => {
  const { put, watcher, ask } = await startWatching(t);
  watcher.start();
  t.after(() => watcher.stop());
  await put('8');
  while ((await ask()) !== '8') await new Promise((resolve) => setTimeout(resolve, 20));
});

for (const [name, content] of Object.entries({
  garbage: 'not a model',
  'half a file': tinySavedModel('8').subarray(0, 3000),
}))
  test(`a version that is ${name}: the previous one stays, and log and status say why, until it is complete`, async (t) => {
    const { put, watcher, ask, status, warnings } = await startWatching(t);
    await put('8', content);
    for (let round = 0; round < 3; round++) await watcher.poll();
    assert.equal(await ask(), '7');
    assert.equal(warnings.length, 1, 'the reason is logged once');
    assert.match(String(warnings[0]), /8\/saved_model\.pb cannot be served\. \w.*model not replaced/);
    assert.match(JSON.stringify(await status()), /"7","state":"AVAILABLE".*"8","state":"END"/);
    await put('8');
    await watcher.poll();
    assert.equal(await ask(), '8');
    assert.deepEqual(await status(), { model_version_status: [available('8')] });
  });

test('when the folder disappears, the loaded model stays, and the folder is found again', async (t) => {
  const { directory, put, watcher, ask, warnings } = await startWatching(t);
  await rename(directory, `${directory}-away`);
  for (let round = 0; round < 3; round++) await watcher.poll();
  assert.equal(await ask(), '7');
  assert.equal(warnings.length, 1);
  await cp(`${directory}-away`, directory, { recursive: true });
  await rm(`${directory}-away`, { recursive: true });
  await put('8');
  await watcher.poll();
  assert.equal(await ask(), '8');
});

test('a request in flight finishes on the old version, whose memory is then released', async (t) => {
  const { put, watcher, store, ask } = await startWatching(t);
  // Making a model takes tensors, too.
  const bytes = tinySavedModel('8');
  await ask();
  const alone = tf.memory().numTensors;
  await store.during(async () => {
    const old = store.find(MODEL_NAME);
    await put('8', bytes);
    await watcher.poll();
    assert.equal(await ask(), '8');
    const photo = { shape: [1], values: [new Uint8Array(PHOTO_BYTES)] };
    const version = (await old.runner.run(new Map([['photo', photo]]))).get('model_version');
    assert.ok(version && 'strings' in version);
    assert.equal(new TextDecoder().decode(version.strings[0]), '7');
    assert.ok(tf.memory().numTensors > alone, 'both versions are loaded');
  });
  assert.equal(tf.memory().numTensors, alone);
});
