import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import sharp from 'sharp';
import { z } from 'zod';
import { Backbone } from '../model/backbone/backbone.ts';
import { loadBackend } from '../model/backend/backend.ts';
import { PHOTO_BYTES } from '../model/contract/tensors.ts';
import { readDataset } from '../model/data/dataset.ts';
import { trainValidationTestSplit } from '../model/data/split.ts';
import { evaluate, savedModelPredictFn } from '../model/evaluation/evaluate.ts';
import { BatchNorm } from '../model/network/layers.ts';
import { buildNetwork } from '../model/network/network.ts';
import { readPhoto } from '../model/photo/read-photo.ts';
import { layersNetwork } from '../model/savedmodel/export-layers.ts';
import { decodeSavedModel, encodeSavedModel } from '../model/savedmodel/file.ts';
import { GraphRunner } from '../model/savedmodel/run.ts';
import { buildServingGraph } from '../model/savedmodel/serving-graph.ts';
import { trainHead } from '../model/training/train-head.ts';
import { print, runCommand } from './shared/cli.ts';

const HEAD = `Usage: npm run bench

Measures what our choices cost against their alternatives. Both sides of a line are measured in turns in one run, so the
ratio holds on a busy machine too; the milliseconds are only for orientation. With FLOWERS_DIR, a folder of photos by
class, and BACKBONE_DIR, one with a TensorFlow.js model, it also times transfer learning.`;

const ROUNDS = 9;

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Milliseconds. */
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
  print(`${name.padEnd(74)} ${(b / a).toFixed(1).padStart(6)}x   (${a.toFixed(1)} ms, ${b.toFixed(1)} ms)`);
};

const pixels = new Uint8Array(PHOTO_BYTES).map((_, index) => (index * 31) % 256);

const compareRequestBodies = () =>
  compare(
    'request body: base64 of raw RGB / JSON of float pixels',
    () => JSON.stringify({ instances: [{ b64: Buffer.from(pixels).toString('base64') }] }),
    () => JSON.stringify({ instances: [[...Float32Array.from(pixels, (value) => value / 255)]] }),
  );

const compareDecoding = async () => {
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
};

const compareBatchNorm = async (backend: string) => {
  const x = tf.randomNormal([16, 56, 56, 32]);
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
    `batch normalization, forward and backward on ${backend}: ours / TensorFlow.js's`,
    gradient(new BatchNorm({})),
    gradient(layers.batchNormalization()),
  );
};

const compareBatches = async (backend: string) => {
  const graph = buildServingGraph(layersNetwork(buildNetwork({ classes: 3 })), {
    labels: ['a', 'b', 'c'],
    version: '1',
  });
  const runner = new GraphRunner(decodeSavedModel(encodeSavedModel(graph)));
  const run = (photos: Uint8Array[]) =>
    runner.run(new Map([['photo', { shape: [photos.length], values: photos }]]));
  const eight = Array.from({ length: 8 }, () => pixels);
  await compare(
    `8 photos on ${backend}: one batch / one after the other`,
    () => run(eight),
    async () => {
      for (const photo of eight) await run([photo]);
    },
  );
};

/** From decoded photos to a trained head. */
const timeTransfer = async (flowers: string, directory: string): Promise<void> => {
  const dataset = await readDataset(flowers);
  const classes = dataset.labels.length;
  const split = trainValidationTestSplit(dataset);
  // The first use of a backbone compiles kernels, which no training should count.
  const backbone = await Backbone.load(directory, { featureLevels: 1, side: 224 });
  tf.tidy(() => void backbone.extract(tf.zeros([1, 224, 224, 3])).dataSync());
  print(`\nTransfer learning on ${split.train.length} photos:`);
  for (const epochs of [10, 60]) {
    const started = performance.now();
    const { write, dispose } = await trainHead({
      pretrained: { directory, name: '' },
      ...{ classes, recipe: { epochs } },
    })(split);
    const seconds = (performance.now() - started) / 1000;
    const model = encodeSavedModel(buildServingGraph(write, { labels: dataset.labels, version: '1' }));
    const predict = savedModelPredictFn(new GraphRunner(decodeSavedModel(model)));
    const { accuracy } = await evaluate(predict, classes, split.test);
    print(
      `  ${epochs} epochs   ${seconds.toFixed(1).padStart(6)} s   ${(100 * accuracy).toFixed(1)} % of ${split.test.length} test photos`,
    );
    dispose();
  }
};

await runCommand({ head: HEAD, options: z.strictObject({}) }, async () => {
  const { name, reason } = await loadBackend();
  print(
    `Computing on ${reason}.\n\nHow many times faster the first is than the second (median of ${ROUNDS}):`,
  );
  await compareRequestBodies();
  await compareDecoding();
  await compareBatchNorm(name);
  await compareBatches(name);
  const { FLOWERS_DIR, BACKBONE_DIR } = process.env;
  if (FLOWERS_DIR && BACKBONE_DIR) await timeTransfer(FLOWERS_DIR, BACKBONE_DIR);
  else
    print(
      '\nSkipped: transfer learning. Set FLOWERS_DIR to a folder of photos by class, and BACKBONE_DIR to one with a TensorFlow.js model.',
    );
  return 0;
});
