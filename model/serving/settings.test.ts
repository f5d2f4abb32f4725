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
  assert.equal(
    settingsIn('models.config'),
    `model_config_list {
  config {
    name: "${MODEL_NAME}"
    base_path: "/models/${MODEL_NAME}"
    model_platform: "tensorflow"
    model_version_policy {
      latest {
        num_versions: 1
      }
    }
  }
}
`,
  );
});

test('monitoring.config has the metrics where TensorFlow Serving has them by default', () => {
  const expected = 'prometheus_config {\n  enable: true\n  path: "/monitoring/prometheus/metrics"\n}\n';
  assert.equal(settingsIn('monitoring.config'), expected);
});

test('what waits is answered before the application service gives it up', () => {
  const { maxBatchSize, maxEnqueuedBatches, numBatchThreads } = BATCHING;
  const photos = (maxEnqueuedBatches + numBatchThreads) * maxBatchSize;
  assert.ok(photos / 40 < 1.5, `${photos} photos at 40 a second`);
});

test('the container of compose.yaml is given every file', () => {
  const files = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.config'));
  assert.equal(files.length, 3);
  for (const name of files)
    assert.match(read('compose.yaml'), new RegExp(`_file=/config/${name.replace('.', '\\.')}\n`));
});
