import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { loadBackend } from './backend.ts';

// Registers the gradients of the operations.

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
