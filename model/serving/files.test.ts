import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { MODEL_NAME } from '../contract/tensors.ts';
import { servingEnvironment, servingFiles } from './files.ts';
import { BATCHING } from './settings.ts';
import { readTextProto } from './testing.ts';

const UPDATE = 'UPDATE_GOLDEN=1 node --import tsx --test model/serving/files.test.ts';

const committed = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

for (const [name, content] of Object.entries(servingFiles)) {
  test(`${name} is what the settings say`, () => {
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(new URL(name, import.meta.url), content);
    assert.equal(committed(name), content, `If model/serving/settings.ts was changed: ${UPDATE}`);
  });
}

test('TensorFlow Serving is told the name of the model, and its folder', () => {
  assert.deepEqual(readTextProto(committed('models.config')), {
    'model_config_list.config.name': MODEL_NAME,
    'model_config_list.config.base_path': `/models/${MODEL_NAME}`,
    'model_config_list.config.model_platform': 'tensorflow',
    'model_config_list.config.model_version_policy.latest.num_versions': 1,
  });
});

test('it is told where to show its metrics', () => {
  assert.deepEqual(readTextProto(committed('monitoring.config')), {
    'prometheus_config.enable': true,
    'prometheus_config.path': '/monitoring/prometheus/metrics',
  });
});

test('the file and the environment of the AWS image say the same of batching', () => {
  const fields = Object.entries(readTextProto(committed('batching.config'))).map(([path, value]) => [
    `SAGEMAKER_TFS_${path.replace('.value', '').toUpperCase()}`,
    String(value),
  ]);
  assert.equal(fields.length, 4);
  assert.deepEqual(
    { SAGEMAKER_TFS_ENABLE_BATCHING: 'true', ...Object.fromEntries(fields) },
    servingEnvironment(),
  );
});

test('what waits is answered before the application service gives it up', () => {
  const { maxBatchSize, maxEnqueuedBatches, numBatchThreads } = BATCHING;
  const photos = (maxEnqueuedBatches + numBatchThreads) * maxBatchSize;
  assert.ok(photos / 40 < 1.5, `${photos} photos at 40 a second`);
});

test('the container of compose.yaml is given every file', () => {
  const compose = committed('compose.yaml');
  for (const name of Object.keys(servingFiles).filter((file) => file.endsWith('.config')))
    assert.match(compose, new RegExp(`_file=/config/${name.replace('.', '\\.')}\n`));
});

test('a text that is no text proto would be noticed', () => {
  for (const text of ['a {', 'a }', 'a: {', 'a: "x', 'a 1', '{ a: 1 }'])
    assert.throws(() => readTextProto(text), Error, text);
});
