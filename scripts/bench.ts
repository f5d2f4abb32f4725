import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import sharp from 'sharp';
import { loadBackend } from '../model/backend/backend.ts';
import { PHOTO_BYTES } from '../model/contract/tensors.ts';
import { BatchNorm } from '../model/network/layers.ts';
import { buildNetwork } from '../model/network/network.ts';
import { readPhoto } from '../model/photo/read-photo.ts';
import { layersNetwork } from '../model/savedmodel/export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from '../model/savedmodel/file.ts';
import { GraphRunner } from '../model/savedmodel/run.ts';
import { buildServingGraph } from '../model/savedmodel/serving-graph.ts';
import { benchTransfer } from './bench/transfer.ts';

/**
 * What our choices cost against their alternatives. Both sides of a line are measured in turns in one run, so the
 * ratio holds on a busy machine too; the milliseconds are only for orientation.
 */

const ROUNDS = 9;

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const time = async (work: () => unknown): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

const compare = async (name: string, ours: () => unknown, other: () => unknown): Promise<void> => {
  const times: { ours: number[]; other: number[] } = { ours: [], other: [] };
  await ours();
  await other();
  for (let round = 0; round < ROUNDS; round++) {
    times.ours.push(await time(ours));
    times.other.push(await time(other));
  }
  const [a, b] = [median(times.ours), median(times.other)];
  process.stdout.write(
    `${name.padEnd(74)} ${(b / a).toFixed(1).padStart(6)}x   (${a.toFixed(1)} ms, ${b.toFixed(1)} ms)\n`,
  );
};

const { name, reason } = await loadBackend();
process.stdout.write(
  `Computing on ${reason}.\n\nHow many times faster the first is than the second (median of ${ROUNDS}):\n`,
);

const pixels = new Uint8Array(PHOTO_BYTES).map((_, index) => (index * 31) % 256);
await compare(
  'request body: base64 of raw RGB / JSON of float pixels',
  () => JSON.stringify({ instances: [{ b64: Buffer.from(pixels).toString('base64') }] }),
  () => JSON.stringify({ instances: [[...Float32Array.from(pixels, (value) => value / 255)]] }),
);

const large = await sharp({
  create: {
    width: 4000,
    height: 3000,
    channels: 3,
    background: '#888',
    noise: { type: 'gaussian', mean: 128, sigma: 40 },
  },
})
  .jpeg()
  .toBuffer();
await compare(
  'a 12-megapixel JPEG: through the photo contract / decoding all its pixels',
  () => readPhoto(large),
  () => sharp(large).raw().toBuffer(),
);

const x = tf.randomNormal([16, 56, 56, 32]);
const ourNorm = new BatchNorm({});
const stockNorm = layers.batchNormalization();
const gradient = (layer: layers.Layer) => async () => {
  const [dx] = tf.tidy(() => [
    tf.grad((input) => {
      const output = layer.apply(input, { training: true });
      return output instanceof tf.Tensor ? tf.sum(tf.square(output)) : input;
    })(x),
  ]);
  await dx?.data();
  dx?.dispose();
};
await compare(
  `batch normalization, forward and backward on ${name}: ours / TensorFlow.js's`,
  gradient(ourNorm),
  gradient(stockNorm),
);

const network = buildNetwork({ classes: 3 });
const options = { labels: ['a', 'b', 'c'], version: '1' };
const runner = new GraphRunner(
  decodeSavedModel(encodeSavedModel(buildServingGraph(layersNetwork(network), options))),
);
const eight = Array.from({ length: 8 }, () => pixels);
const run = (photos: Uint8Array[]) =>
  runner.run(new Map([['photo', { shape: [photos.length], values: photos }]]));
await compare(
  `8 photos on ${name}: one batch / one after the other`,
  () => run(eight),
  async () => {
    for (const photo of eight) await run([photo]);
  },
);

const { FLOWERS_DIR, BACKBONE_DIR } = process.env;
if (FLOWERS_DIR && BACKBONE_DIR) await benchTransfer(FLOWERS_DIR, BACKBONE_DIR);
else
  process.stdout.write(
    '\nSkipped: transfer learning. Set FLOWERS_DIR to a folder of photos by class, and BACKBONE_DIR to one with a TensorFlow.js model.\n',
  );
