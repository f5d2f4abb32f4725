import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { assertClose } from '../shared/test-pictures.ts';
import { loadBackend } from './backend.ts';

test('errors are left to those who listen for them', async () => {
  const count = () => [
    process.listenerCount('uncaughtException'),
    process.listenerCount('unhandledRejection'),
  ];
  const before = count();
  await loadBackend({ native: false });
  assert.deepEqual(count(), before);
});

test('without native TensorFlow asked for, WebAssembly computes and the reason says so', async () => {
  const { name, reason } = await loadBackend({ native: false });
  assert.equal(name, 'wasm');
  assert.equal(tf.getBackend(), 'wasm');
  assert.match(reason, /^WebAssembly \(.*native TensorFlow.*not asked for.*\)$/);
  assertClose(tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync(), [3, 3, 3, 3], 0);
});

test('the reason names what runs, or why no native package does', async () => {
  const { name, reason } = await loadBackend();
  assert.equal(tf.getBackend(), name);
  assert.doesNotMatch(reason, /\n/);
  const expected =
    name === 'tensorflow'
      ? /^native TensorFlow \(@tensorflow\/tfjs-node(-gpu)? is installed\)$/
      : /^WebAssembly \((native TensorFlow is not installed|@tensorflow\/tfjs-node.* does not load: .+)\)$/;
  assert.match(reason, expected);
});

test('a native package that does not load is named, with its reason', (t) => {
  const modules = mkdtempSync(path.join(tmpdir(), 'broken-native-'));
  t.after(() => rmSync(modules, { recursive: true }));
  const folder = path.join(modules, '@tensorflow/tfjs-node-gpu');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'index.js'), "throw new Error('no libtensorflow.so.2\\nin any folder')");
  const backend = JSON.stringify(pathToFileURL(path.resolve('model/backend/backend.ts')).href);
  const program = `import(${backend}).then(async ({ loadBackend }) => console.log((await loadBackend()).reason))`;
  const env = { ...process.env, NODE_PATH: modules };
  const said = execFileSync(process.execPath, ['--import', 'tsx', '--eval', program], {
    env,
    encoding: 'utf8',
  });
  // Where the other native package is installed, it computes.
  assert.match(
    said,
    /^(native TensorFlow \(@tensorflow\/tfjs-node is|WebAssembly \(@tensorflow\/tfjs-node-gpu does not load: no libtensorflow\.so\.2\b)/m,
  );
});

test('loading it again changes nothing', async () => {
  const first = await loadBackend({ native: false });
  assert.deepEqual(await loadBackend({ native: false }), first);
});
