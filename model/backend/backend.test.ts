import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { loadBackend } from './backend.ts';
import '@tensorflow/tfjs-layers';

test('without a request for native TensorFlow, WebAssembly is used and reported, and does not intercept errors', async () => {
  const count = () =>
    ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event));
  const before = count();
  const { name, reason } = await loadBackend({ native: false });
  assert.deepEqual(count(), before);
  assert.deepEqual([name, tf.getBackend()], ['wasm', 'wasm']);
  assert.match(reason, /^WebAssembly \(.*native TensorFlow.*not requested.*\)$/);
  assert.deepEqual(await loadBackend({ native: false }), { name, reason }, 'again');
  assertClose(tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync(), [3, 3, 3, 3], 0);
});

test('a native package that does not load is named, with its reason', (t) => {
  const modules = temporaryFolder(t);
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

const cases = [12, 13].flatMap((side) =>
  [1, 3].flatMap((kernel) =>
    [1, 2].flatMap((stride) =>
      (['same', 'valid'] as const).flatMap((padding) =>
        (['full', 'depthwise'] as const).map((kind) => ({ side, kernel, stride, padding, kind })),
      ),
    ),
  ),
);
type Case = (typeof cases)[number];

/** Gradients of image and filter, of a loss that weighs every output by itself. */
const gradients = async (backend: string, { side, kernel, stride, padding, kind }: Case) => {
  await tf.setBackend(backend);
  const image = tf.randomNormal<tf.Rank.R4>([2, side, side, 4], 0, 1, 'float32', 1);
  const filter = tf.randomNormal<tf.Rank.R4>(
    [kernel, kernel, 4, kind === 'full' ? 6 : 1],
    0,
    1,
    'float32',
    2,
  );
  const variables = [image, filter].map((value) => tf.variable(value));
  const { grads } = tf.variableGrads(() => {
    const [x = image, f = filter] = variables.map((variable) =>
      tf.reshape<tf.Rank.R4>(variable, variable.shape),
    );
    const y = kind === 'full' ? tf.conv2d(x, f, stride, padding) : tf.depthwiseConv2d(x, f, stride, padding);
    return tf.sum<tf.Scalar>(tf.square(y));
  }, variables);
  return variables.map((variable) => [...(grads[variable.name]?.dataSync() ?? [])]);
};

const relativeError = (actual: readonly number[], expected: readonly number[]) => {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, index) => Math.abs(value - (actual[index] ?? Number.NaN)))) / scale;
};

before(() => loadBackend({ native: false }));

for (const item of cases) {
  test(`gradients equal the cpu backend's: ${JSON.stringify(item)}`, async () => {
    const expected = await gradients('cpu', item);
    const actual = await gradients('wasm', item);
    assert.equal(actual.length, 2);
    actual.forEach((values, index) => {
      assert.ok(relativeError(values, expected[index] ?? []) < 1e-5);
    });
  });
}
