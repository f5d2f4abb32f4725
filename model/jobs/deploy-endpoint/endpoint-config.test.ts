import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configName, inWords, versionOf } from './endpoint-config.ts';
import { settingsFor } from './testing.ts';

test('the same model on the same machines has the same name, and any other another one', () => {
  const name = configName(settingsFor(7));
  assert.match(name, /^image-classifier-7-[0-9a-f]{8}$/);
  assert.equal(configName(settingsFor(7, { maxInstances: 9, rollbackAlarms: [], pollSeconds: 1 })), name);
  const others = [
    settingsFor(8),
    settingsFor(7, { modelName: 'flowers-7-again' }),
    settingsFor(7, { instanceType: 'ml.c5.large' }),
    settingsFor(7, { minInstances: 2 }),
  ].map(configName);
  assert.equal(new Set([name, ...others]).size, 5);
});

test('the longest names fit into what SageMaker takes', () => {
  const endpointName = 'x'.repeat(43);
  const modelPackage = { arn: '', version: 1234567890 };
  assert.equal(configName(settingsFor(7, { endpointName, modelPackage })).length, 63);
});

test('the version is read from a name of this endpoint, and from no other', () => {
  assert.equal(versionOf('image-classifier-12-0123abcd', 'image-classifier'), 12);
  assert.equal(versionOf('image-classifier-dev-12-0123abcd', 'image-classifier-dev'), 12);
  assert.equal(versionOf('image-classifier-dev-12-0123abcd', 'image-classifier'), undefined);
  assert.equal(versionOf('image-classifier-2-12-0123abcd', 'image-classifier'), undefined);
  assert.equal(versionOf('image-classifier-12', 'image-classifier'), undefined);
});

test('a configuration that somebody else has made is called by its name', () => {
  assert.equal(inWords('by-hand', 'image-classifier'), 'the configuration by-hand');
  assert.match(inWords('image-classifier-12-0123abcd', 'image-classifier'), /^model version 12 /);
});
