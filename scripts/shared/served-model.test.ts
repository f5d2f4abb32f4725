import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { MODEL_NAME } from '../../model/contract/tensors.ts';
import {
  findRunningEndpoint,
  forgetRunningEndpoint,
  prepareServedModel,
  recordDeployed,
  recordRunningEndpoint,
} from './served-model.ts';

let root: string;
let folder: string;
let shipped: string;

const store = (directory: string, version: string) => {
  mkdirSync(path.join(directory, MODEL_NAME, version), { recursive: true });
  writeFileSync(path.join(directory, MODEL_NAME, version, 'saved_model.pb'), version);
};

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'bloomstack-served-'));
  folder = path.join(root, 'build/endpoint');
  shipped = path.join(root, 'default');
  store(shipped, '100');
});
afterEach(() => rmSync(root, { recursive: true }));

const versions = () => readdirSync(path.join(folder, MODEL_NAME));

test('an empty folder gets the model that ships', async () => {
  assert.deepEqual(await prepareServedModel(folder, shipped), { version: '100', deployed: false });
  assert.deepEqual(versions(), ['100']);
  assert.deepEqual(readdirSync(path.join(root, 'build')), ['endpoint']);
});

test('an older model is superseded by the one that ships', async () => {
  store(folder, '99');
  assert.deepEqual(await prepareServedModel(folder, shipped), { version: '100', deployed: false });
  assert.deepEqual(versions(), ['100', '99']);
});

test('a newer model stays', async () => {
  store(folder, '101');
  assert.deepEqual(await prepareServedModel(folder, shipped), { version: '101', deployed: false });
  assert.deepEqual(versions(), ['101']);
});

test('a model that was deployed stays, even if it is older: a clock may be slow', async () => {
  store(folder, '99');
  await recordDeployed(folder, '99');
  assert.deepEqual(await prepareServedModel(folder, shipped), { version: '99', deployed: true });
  assert.deepEqual(versions(), ['99']);
});

test('several that prepare it at once do not disturb one another', async () => {
  const results = await Promise.all(Array.from({ length: 5 }, () => prepareServedModel(folder, shipped)));
  assert.deepEqual(new Set(results.map(({ version }) => version)), new Set(['100']));
  assert.deepEqual(versions(), ['100']);
  assert.deepEqual(readdirSync(path.join(root, 'build')), ['endpoint']);
});

test('no endpoint is found where none answers', async () => {
  assert.equal(await findRunningEndpoint(folder), undefined);
  await recordRunningEndpoint(folder, 'http://127.0.0.1:9');
  assert.equal(await findRunningEndpoint(folder), undefined);
  await forgetRunningEndpoint(folder);
  assert.deepEqual(readdirSync(folder), []);
  writeFileSync(path.join(folder, 'running.json'), '{"url":');
  assert.equal(await findRunningEndpoint(folder), undefined);
});
