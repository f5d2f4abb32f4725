import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { applied, BatchNorm, reseedDropout, SeededDropout } from './layers.ts';
import { buildNetwork } from './network.ts';
import { decodeWeightsFile, encodeWeightsFile } from './weights.ts';

before(() => loadBackend({ native: false }));

const TINY = { classes: 3, stem: 4, blocks: [6, 6, 8] };

const single = (output: unknown): tf.Tensor => {
  assert.ok(output instanceof tf.Tensor);
  return output;
};

const answerOf = (network: LayersModel, x: tf.Tensor, training = false): tf.Tensor =>
  single(network.apply(x, { training }));

const photos = (side: number) => tf.randomUniform([2, side, side, 3], -1, 1, 'float32', 1);

test('photos of any side become one row of logits each', () => {
  for (const side of [224, 100]) {
    const logits = answerOf(buildNetwork(TINY), photos(side));
    assert.deepEqual(logits.shape, [2, 3]);
    assert.ok(logits.dataSync().every(Number.isFinite));
  }
});

test('a seed decides the initial weights, and no two convolutions of one shape start with the same', () => {
  const kernels = (seed: number) =>
    buildNetwork({ classes: 2, stem: 6, blocks: [6, 6, 6], seed })
      .weights.filter(({ shape }) => shape.join() === '3,3,6,6')
      .map((weight) => [...weight.read().dataSync()].join());
  assert.deepEqual(kernels(4), kernels(4));
  assert.equal(new Set([...kernels(4), ...kernels(5)]).size, 12);
});

test('features are dropped in training only', () => {
  const network = buildNetwork({ ...TINY, dropout: 0.9 });
  const x = photos(64);
  const answer = (training: boolean) => [...answerOf(network, x, training).dataSync()];
  assert.deepEqual(answer(false), answer(false));
  assert.notDeepEqual(answer(true), answer(false));
});

const CHANNELS = 5;
const SHAPES = [
  [3, 4, 6, CHANNELS],
  [7, CHANNELS],
];

const random = (shape: number[], seed: number, mean = 0) =>
  tf.randomNormal(shape, mean, 1.5, 'float32', seed);

/** Our layer and TensorFlow.js's own, with the same weights. */
const pair = (shape: readonly number[]) => {
  const weights = [
    random([CHANNELS], 1, 1),
    random([CHANNELS], 2),
    random([CHANNELS], 3),
    tf.add(tf.square(random([CHANNELS], 4)), 0.1),
  ];
  const both = [new BatchNorm({}), layers.batchNormalization({ momentum: 0.95, epsilon: 1e-3 })];
  return both.map((layer) => {
    layer.build([null, ...shape.slice(1)]);
    layer.setWeights(weights);
    return layer;
  });
};

/** The values of a batch of training, of its gradients, and of the moments afterwards. */
const trained = (layer: layers.Layer, shape: number[]): Float32Array[] => {
  const x = tf.variable(random(shape, 5, 2));
  const weigh = random(shape, 6);
  const variables = layer.trainableWeights
    .map((weight) => weight.read())
    .filter((value) => value instanceof tf.Variable);
  assert.equal(variables.length, 2);
  const watched = [x, ...variables];
  let y: tf.Tensor | undefined;
  const { grads } = tf.variableGrads(() => {
    y = tf.keep(single(layer.apply(tf.reshape(x, shape), { training: true })));
    return tf.sum<tf.Scalar>(tf.mul(y, weigh));
  }, watched);
  const results = [y, ...watched.map(({ name }) => grads[name]), ...layer.getWeights()];
  return results.map((result) => Float32Array.from(single(result).dataSync()));
};

for (const shape of SHAPES)
  test(`a training step and an inference on ${shape.join(' x ')} equal TensorFlow.js's own layer`, () => {
    const [actual = [], expected = []] = pair(shape).map((layer) => trained(layer, shape));
    // Output, its gradients in x, gamma and beta, these two, and both moving moments.
    assert.equal(actual.length, 8);
    expected.forEach((values, index) => {
      assert.ok(values.some((value) => Math.abs(value) > 1e-3));
      assertClose(actual[index] ?? [], values, 2e-4);
    });
    const x = random(shape, 7, 1);
    const [inferred = [], theirs = []] = pair(shape).map((layer) =>
      single(layer.apply(x, { training: false })).dataSync(),
    );
    assertClose(inferred, theirs, 1e-4);
  });

test('a channel without variance stays finite', () => {
  const y = single(new BatchNorm({}).apply(tf.fill([8, 3], 1000), { training: true }));
  assertClose(y.dataSync(), new Float32Array(24), 1e-2);
});

const WIDTH = 400;
const RATE = 0.25;
const ONES = new Array<number>(WIDTH).fill(1);

/** What a network makes of ones. */
const answer = (network: LayersModel, training: boolean): number[] =>
  tf.tidy(() => [...answerOf(network, tf.ones([1, WIDTH]), training).dataSync()]);

/** Nothing but layers that drop, one after the other. */
const dropping = (...rates: readonly number[]): LayersModel => {
  const inputs = input({ shape: [WIDTH] });
  const outputs = rates.reduce((x, rate) => applied(new SeededDropout(rate), x), inputs);
  return model({ inputs, outputs });
};

/** What is dropped after a reseeding; other layers of the network drop others. */
const masked = (network: LayersModel, source: () => number): number[] => {
  reseedDropout(network, source);
  return answer(network, true);
};

test('the rate decides how many are dropped, and the others are scaled up; layers do not drop the same ones', () => {
  const kept = masked(dropping(RATE), seededRandom(1)).filter((value) => value !== 0);
  assertClose([kept.length / WIDTH], [1 - RATE], 0.1);
  assertClose(kept, new Array<number>(kept.length).fill(1 / (1 - RATE)), 1e-6);
  const twice = masked(dropping(RATE, RATE), seededRandom(1)).filter((value) => value !== 0);
  assertClose([twice.length / WIDTH], [(1 - RATE) ** 2], 0.1);
});

test('the same random numbers drop the same features, in any network; the next ones drop others', () => {
  const [random, again] = [seededRandom(1), seededRandom(1)];
  const [network, another] = [dropping(RATE), dropping(RATE)];
  const masks = [masked(network, random), answer(network, true), masked(network, random)];
  assert.deepEqual(masks[1], masks[0], 'until it is reseeded');
  assert.notDeepEqual(masks[2], masks[0]);
  assert.deepEqual([masked(another, again), masked(another, again)], [masks[0], masks[2]]);
  // A random number of 0 is a seed like any other.
  assert.ok(masked(network, () => 0).includes(0));
});

test('outside of training everything passes, through predict too, and nothing is left in memory', () => {
  const network = dropping(RATE, 0.9);
  const before = masked(network, seededRandom(1));
  const { numTensors } = tf.memory();
  assert.deepEqual(answer(network, false), ONES);
  assert.deepEqual(answer(network, true), before);
  const predicted = tf.tidy(() => [...single(network.predict(tf.ones([1, WIDTH]))).dataSync()]);
  assert.deepEqual(predicted, ONES);
  assert.equal(tf.memory().numTensors, numTensors);
});

const FILE = {
  header: { epoch: 3, text: 'línea\n', sum: 0.1 + 0.2 },
  groups: {
    weights: [Float32Array.of(1.5, -0, Math.fround(0.1)), new Float32Array(), Float32Array.of(3.4e38)],
    none: [],
    moments: [new Float32Array([1, 2, 3, 4, 5]).subarray(1, 4)],
  },
};

test('weights are read back to the bit, but not from a file that is truncated or changed anywhere', () => {
  const bytes = encodeWeightsFile(FILE);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const expected = { ...FILE, groups: { ...FILE.groups, moments: [Float32Array.of(2, 3, 4)] } };
  assert.deepEqual(decodeWeightsFile(shifted.subarray(3)), expected);
  for (const [index, byte] of bytes.entries()) {
    assert.equal(decodeWeightsFile(bytes.subarray(0, index)), undefined, `${index} bytes`);
    assert.equal(decodeWeightsFile(bytes.with(index, byte ^ 1)), undefined, `byte ${index}`);
  }
  assert.equal(decodeWeightsFile(Uint8Array.of(...bytes, 0)), undefined);
});
