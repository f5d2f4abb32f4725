import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { assertClose } from '../testing.ts';
import { loadBackend } from './backend.ts';

test('it leaves errors to whoever listens for them', async () => {
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

test('the reason names what runs, or each native package and why it does not load', async () => {
  const { name, reason } = await loadBackend();
  assert.equal(tf.getBackend(), name);
  assert.doesNotMatch(reason, /\n/);
  const expected =
    name === 'tensorflow'
      ? /^native TensorFlow \(@tensorflow\/tfjs-node(-gpu)? is installed\)$/
      : /^WebAssembly \(@tensorflow\/tfjs-node-gpu: .+; @tensorflow\/tfjs-node: .+\)$/;
  assert.match(reason, expected);
});

test('loading it again changes nothing', async () => {
  const first = await loadBackend({ native: false });
  assert.deepEqual(await loadBackend({ native: false }), first);
});
