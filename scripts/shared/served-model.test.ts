import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { MODEL_NAME } from '../../model/contract/tensors.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import {
  findRunningEndpoint,
  forgetRunningEndpoint,
  prepareServedModel,
  recordDeployed,
  recordRunningEndpoint,
} from './served-model.ts';

const store = (directory: string, version: string) => {
  mkdirSync(path.join(directory, MODEL_NAME, version), { recursive: true });
  writeFileSync(path.join(directory, MODEL_NAME, version, 'saved_model.pb'), version);
};

/** An endpoint's folder that is not there yet, and a model of version 100 that ships. */
const setUp = (t: TestContext) => {
  const root = temporaryFolder(t);
  const [folder, shipped] = [path.join(root, 'build/endpoint'), path.join(root, 'default')];
  store(shipped, '100');
  const versions = () => readdirSync(path.join(folder, MODEL_NAME));
  return { folder, shipped, versions, built: () => readdirSync(path.join(root, 'build')) };
};

for (const [what, found, isDeployed, expected] of [
  ['an older model is superseded by the one that ships', '99', false, ['100', '99']],
  ['a newer model stays', '101', false, ['101']],
  ['a model that was deployed stays, even if it is older: a clock may be slow', '99', true, ['99']],
] as const)
  test(what, async (t) => {
    const { folder, shipped, versions } = setUp(t);
    store(folder, found);
    if (isDeployed) await recordDeployed(folder, found);
    const served = await prepareServedModel(folder, shipped);
    assert.deepEqual(served, { version: expected[0], deployed: isDeployed });
    assert.deepEqual(versions(), expected);
  });

test('several processes may prepare it at once', async (t) => {
  const { folder, shipped, versions, built } = setUp(t);
  const results = await Promise.all(Array.from({ length: 5 }, () => prepareServedModel(folder, shipped)));
  assert.deepEqual(new Set(results.map(({ version }) => version)), new Set(['100']));
  assert.deepEqual(versions(), ['100']);
  assert.deepEqual(built(), ['endpoint']);
});

test('no endpoint is found where none answers', async (t) => {
  const { folder } = setUp(t);
  assert.equal(await findRunningEndpoint(folder), undefined);
  await recordRunningEndpoint(folder, 'http://127.0.0.1:9');
  assert.equal(await findRunningEndpoint(folder), undefined);
  await forgetRunningEndpoint(folder);
  assert.deepEqual(readdirSync(folder), []);
  writeFileSync(path.join(folder, 'running.json'), '{"url":');
  assert.equal(await findRunningEndpoint(folder), undefined);
});
