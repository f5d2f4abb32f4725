import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadBackend } from '../backend/backend.ts';
import { labelNames, labelWords } from '../contract/catalogue.ts';
import { PHOTO_SIDE } from '../contract/tensors.ts';
import { photoTensor } from '../data/augment.ts';
import { buildNetwork } from '../network/network.ts';
import { assertClose, assertSameBytes, example, picture } from '../shared/test-pictures.ts';
import { layersNetwork } from './export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from './file.ts';
import type { WeightPrecision } from './graph.ts';
import { GraphRunner } from './run.ts';
import { buildServingGraph } from './serving-graph.ts';
import { numbersIn, scramble, textsIn } from './test-networks.ts';

const labels = ['daisy', 'tulip', 'Löwenzahn'];
const version = '20260102030405';

before(() => loadBackend({ native: false }));

const trained = (): LayersModel => {
  const network = buildNetwork({ classes: labels.length, stem: 4, blocks: [6, 6, 8] });
  scramble(network, 1);
  return network;
};

const encoded = (network: LayersModel, precision?: WeightPrecision) =>
  encodeSavedModel(
    buildServingGraph(layersNetwork(network), { labels, version, ...(precision && { precision }) }),
  );

const serving = (precision?: WeightPrecision) =>
  new GraphRunner(decodeSavedModel(encoded(trained(), precision)));

const ask = (runner: GraphRunner, photos: readonly Uint8Array[]) =>
  runner.run(new Map([['photo', { shape: [photos.length], values: photos }]]));

/** Saw-toothed stripes, which look different when they are mirrored, upside down or turned. */
const stripes = (across: number, down: number, scale: number): Uint8Array =>
  picture(PHOTO_SIDE, PHOTO_SIDE, (x, y) => {
    const tooth = (x * across + y * down) % 40;
    return [tooth * scale, 40 + tooth * 2, x + y < 200 ? 20 : 250];
  }).data;

const photos = [stripes(3, 1, 6), stripes(1, 5, 2), stripes(7, 2, 4)];

/** What the network itself answers. */
const expectedProbabilities = () =>
  tf.tidy(() => {
    const network = trained();
    const batch = photoTensor(photos.map((pixels) => example(0, 'photo', pixels)));
    const logits = network.predict(batch);
    assert.ok(logits instanceof tf.Tensor);
    return [...tf.softmax(logits).dataSync()];
  });

for (const [precision, tolerance] of [
  ['float', 1e-5],
  ['half', 1e-2],
] as const) {
  test(`stored as ${precision}, the graph answers as the network does, within ${tolerance}`, async () => {
    const expected = expectedProbabilities();
    assert.ok(Math.max(...expected) - Math.min(...expected) > 0.05, 'the answers differ');
    const output = (await ask(serving(precision), photos)).get('probabilities');
    assert.deepEqual(output?.shape, [3, 3]);
    assertClose(numbersIn(output), expected, tolerance);
  });
}

test('weights are stored as halves by default, in about half of the bytes', () => {
  const network = buildNetwork({ classes: labels.length, stem: 16, blocks: [48] });
  const [half, float, unsaid] = [encoded(network, 'half'), encoded(network, 'float'), encoded(network)];
  assertSameBytes(unsaid, half);
  assert.ok(half.length > 0.5 * float.length && half.length < 0.6 * float.length);
});

test('every output has one row for each photo', async () => {
  for (const count of [1, 3]) {
    const outputs = await ask(serving(), photos.slice(0, count));
    const probabilities = numbersIn(outputs.get('probabilities'));
    const rows = Array.from({ length: count }, (_, row) => probabilities.slice(row * 3, row * 3 + 3));
    for (const row of rows) assertClose([row.reduce((sum, share) => sum + share, 0)], [1], 1e-5);
    const best = rows.map((row) => labels[row.indexOf(Math.max(...row))] ?? '');
    const expected: Record<string, readonly [number[], string[]]> = {
      label: [[count], best],
      classes: [[count, 3], rows.flatMap(() => labels)],
      names: [[count, 3], rows.flatMap(() => labels.map((label) => JSON.stringify(labelNames(label))))],
      words: [[count], best.map((label) => JSON.stringify(labelWords(label)))],
      model_version: [[count], rows.map(() => version)],
    };
    for (const [name, [shape, texts]] of Object.entries(expected)) {
      assert.deepEqual(outputs.get(name)?.shape, shape, name);
      assert.deepEqual(textsIn(outputs.get(name)), texts, name);
    }
    // Without calibration every photo is known.
    assert.deepEqual(outputs.get('known_score'), { shape: [count], numbers: rows.map(() => 1) });
  }
});
