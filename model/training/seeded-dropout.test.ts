import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, model } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { applied } from '../savedmodel/test-networks.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { reseedDropout, SeededDropout } from './seeded-dropout.ts';

before(() => loadBackend({ native: false }));

const WIDTH = 400;
const RATE = 0.25;
const ONES = new Array<number>(WIDTH).fill(1);

/** What a network makes of ones. */
const answer = (network: LayersModel, training: boolean): number[] =>
  tf.tidy(() => {
    const output = network.apply(tf.ones([1, WIDTH]), { training });
    assert.ok(output instanceof tf.Tensor);
    return [...output.dataSync()];
  });

/** Nothing but layers that drop, one after the other. */
const dropping = (...rates: readonly number[]): LayersModel => {
  const inputs = input({ shape: [WIDTH] });
  const outputs = rates.reduce((x, rate) => applied(new SeededDropout(rate), x), inputs);
  return model({ inputs, outputs });
};

test('as many are dropped as the rate says, and the others make up for them', () => {
  const network = dropping(RATE);
  reseedDropout(network, seededRandom(1));
  const values = answer(network, true);
  const kept = values.filter((value) => value !== 0);
  assertClose([kept.length / WIDTH], [1 - RATE], 0.1);
  assertClose(kept, new Array<number>(kept.length).fill(1 / (1 - RATE)), 1e-6);
});

test('the same random numbers drop the same, the next ones others', () => {
  const [random, again] = [seededRandom(1), seededRandom(1)];
  const network = dropping(RATE);
  const masks = [random, random, again, again].map((source) => {
    reseedDropout(network, source);
    return answer(network, true);
  });
  assert.notDeepEqual(masks[1], masks[0]);
  assert.deepEqual(masks.slice(2), masks.slice(0, 2));
});

test('another network that is reseeded alike drops the same', () => {
  const masks = [dropping(RATE), dropping(RATE)].map((network) => {
    reseedDropout(network, seededRandom(5));
    return answer(network, true);
  });
  assert.deepEqual(masks[1], masks[0]);
});

test('until it is reseeded, it drops the same again', () => {
  const network = dropping(RATE);
  reseedDropout(network, seededRandom(1));
  assert.deepEqual(answer(network, true), answer(network, true));
});

test('the layers of a network do not drop alike', () => {
  const [once, twice] = [dropping(RATE), dropping(RATE, RATE)].map((network) => {
    reseedDropout(network, seededRandom(1));
    return answer(network, true).filter((value) => value !== 0).length;
  });
  assertClose([(twice ?? 0) / WIDTH, (once ?? 0) / WIDTH], [(1 - RATE) ** 2, 1 - RATE], 0.1);
});

test('a random number of 0 is a seed like any other', () => {
  const network = dropping(RATE);
  reseedDropout(network, () => 0);
  const first = answer(network, true);
  assert.ok(first.includes(0));
  assert.deepEqual(answer(network, true), first);
});

test('outside of training everything passes, through predict too', () => {
  const network = dropping(RATE, 0.9);
  reseedDropout(network, seededRandom(1));
  assert.deepEqual(answer(network, false), ONES);
  const predicted = tf.tidy(() => {
    const output = network.predict(tf.ones([1, WIDTH]));
    assert.ok(output instanceof tf.Tensor);
    return [...output.dataSync()];
  });
  assert.deepEqual(predicted, ONES);
});

test('nothing is left in memory', () => {
  const network = dropping(RATE);
  answer(network, true);
  const { numTensors } = tf.memory();
  for (const training of [true, false]) answer(network, training);
  assert.equal(tf.memory().numTensors, numTensors);
});
