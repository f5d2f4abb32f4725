import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MODEL_NAME } from '../contract/tensors.ts';
import { BATCHING, servingEnvironment } from './settings.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
/** A file without its comments. */
const settingsIn = (name: string) => read(name).replace(/^ *#.*\n/gm, '');

const NUMBERS = {
  max_batch_size: BATCHING.maxBatchSize,
  batch_timeout_micros: BATCHING.batchTimeoutMicros,
  num_batch_threads: BATCHING.numBatchThreads,
  max_enqueued_batches: BATCHING.maxEnqueuedBatches,
};

test('batching.config has the numbers of the settings, and no others', () => {
  const fields = Object.entries(NUMBERS).map(([name, value]) => `${name} {\n  value: ${value}\n}\n`);
  assert.equal(settingsIn('batching.config'), fields.join(''));
});

test('the environment of the AWS image has the same numbers', () => {
  const { SAGEMAKER_TFS_ENABLE_BATCHING, ...numbers } = servingEnvironment();
  assert.equal(SAGEMAKER_TFS_ENABLE_BATCHING, 'true');
  assert.deepEqual(
    Object.entries(numbers),
    Object.entries(NUMBERS).map(([name, value]) => [`SAGEMAKER_TFS_${name.toUpperCase()}`, String(value)]),
  );
});

test('models.config names the model, its folder, and its newest version only', () => {
  const path = `"/models/${MODEL_NAME}"`;
  const expected = `name: "${MODEL_NAME}" base_path: ${path} model_platform: "tensorflow" model_version_policy`;
  const words = settingsIn('models.config').replace(/\s+/g, ' ');
  assert.ok(words.includes(`${expected} { latest { num_versions: 1 } }`), words);
});

test('the container of compose.yaml is given every file', () => {
  const files = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.config'));
  assert.equal(files.length, 3);
  for (const name of files)
    assert.match(read('compose.yaml'), new RegExp(`_file=/config/${name.replace('.', '\\.')}\n`));
});
