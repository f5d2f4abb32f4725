import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { z } from 'zod';
import { type Backend, loadBackend } from '../../model/backend/backend.ts';
import { INPUT_NAME, MODEL_NAME, OUTPUT_NAMES, PHOTO_BYTES } from '../../model/contract/tensors.ts';
import type { Example } from '../../model/data/dataset.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';
import { decodeSavedModel, latestVersion } from '../../model/savedmodel/file.ts';
import { GraphRunner, type Output } from '../../model/savedmodel/run.ts';
import { example } from '../../model/shared/test-pictures.ts';
import { trainModel } from '../../model/training/train.ts';
import { trainHead } from '../../model/training/train-head.ts';
import { ROOT } from '../../scripts/shared/paths.ts';
import { need, pathFrom } from '../requirements.ts';

const COUNT = 100;
const TOLERANCE = 1e-4;
/** A score is a sum of numbers around 10. */
const SCORE_TOLERANCE = 1e-3;

const python = pathFrom('TENSORFLOW_PYTHON');
const flowers = pathFrom('FLOWERS_DIR');
const backbone = pathFrom('BACKBONE_DIR');
const NEEDS = [
  need('tensorflow', python, 'set TENSORFLOW_PYTHON to a Python that has TensorFlow.'),
  need('flowers', flowers, 'set FLOWERS_DIR to a folder with one folder of photos per class.'),
];
const BACKBONE_NEEDS = [
  ...NEEDS,
  need('backbone', backbone, 'set BACKBONE_DIR to a folder with MobileNet: model.json and its weights.'),
];
/** Skips a test that lacks something. */
const unless = (needs: readonly { readonly skip: false | string }[]) =>
  needs.find(({ skip }) => skip !== false) ?? { skip: false };

/** Photos of every class, spread over each folder, class by class. */
const samplePhotos = async (root: string): Promise<Example[]> => {
  const folders = readdirSync(root).sort();
  const perFolder = Math.ceil(COUNT / folders.length);
  const files = folders.flatMap((folder, label) => {
    const all = readdirSync(path.join(root, folder)).sort();
    const step = Math.max(1, Math.floor(all.length / perFolder));
    return all
      .filter((_, index) => index % step === 0)
      .slice(0, perFolder)
      .map((name) => ({ label, file: path.join(root, folder, name) }));
  });
  return Promise.all(
    files
      .slice(0, COUNT)
      .map(async ({ label, file }) => example(label, file, await readPhoto(await readFile(file)))),
  );
};

/** Loads a SavedModel in real TensorFlow and prints what it says of raw photos, as JSON. */
const PYTHON = `
import json, sys, tensorflow as tf
folder, photos, size = sys.argv[1], open(sys.argv[2], 'rb').read(), int(sys.argv[3])
batch = tf.constant([photos[i:i + size] for i in range(0, len(photos), size)])
answer = tf.saved_model.load(folder).signatures['serving_default'](**{sys.argv[4]: batch})
text = lambda value: value.decode() if isinstance(value, bytes) else [text(v) for v in value] if isinstance(value, list) else value
print(json.dumps({name: text(value.numpy().tolist()) for name, value in answer.items()}))
`;

const answersSchema = z.object({
  [OUTPUT_NAMES.probabilities]: z.array(z.array(z.number())),
  [OUTPUT_NAMES.label]: z.array(z.string()),
  [OUTPUT_NAMES.classes]: z.array(z.array(z.string())),
  [OUTPUT_NAMES.modelVersion]: z.array(z.string()),
  [OUTPUT_NAMES.knownScore]: z.array(z.number()),
  [OUTPUT_NAMES.evidence]: z.array(z.array(z.array(z.number()))).default([]),
});

/** Asks real TensorFlow, on the CPU. */
const askTensorFlow = (savedModel: Uint8Array, values: readonly Uint8Array[]) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-parity-'));
  try {
    writeFileSync(path.join(folder, 'saved_model.pb'), savedModel);
    const file = path.join(folder, 'photos');
    writeFileSync(file, Buffer.concat(values));
    const { stdout, stderr, status } = spawnSync(
      python ?? '',
      ['-c', PYTHON, folder, file, String(PHOTO_BYTES), INPUT_NAME],
      { encoding: 'utf8', maxBuffer: 1e8, env: { ...process.env, CUDA_VISIBLE_DEVICES: '-1' } },
    );
    assert.equal(status, 0, stderr);
    return answersSchema.parse(JSON.parse(stdout));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const numbersOf = (output: Output | undefined): readonly number[] =>
  output && 'numbers' in output ? output.numbers : [];
const stringsOf = (output: Output | undefined): string[] =>
  output && 'strings' in output ? output.strings.map((value) => new TextDecoder().decode(value)) : [];

const largestDifference = (actual: readonly number[], expected: readonly number[]): number => {
  assert.equal(actual.length, expected.length);
  return Math.max(0, ...expected.map((value, index) => Math.abs((actual[index] ?? Number.NaN) - value)));
};

let photos: readonly Example[];
let backend: Backend;
before(async () => {
  backend = await loadBackend({ native: false });
  photos = flowers === undefined ? [] : await samplePhotos(flowers);
});

/** Fails unless real TensorFlow says of the photos what the local endpoint says. */
const assertParity = async (savedModel: Uint8Array): Promise<void> => {
  assert.equal(photos.length, COUNT);
  const values = photos.map(({ pixels }) => pixels);
  const expected = askTensorFlow(savedModel, values);
  const actual = await new GraphRunner(decodeSavedModel(savedModel)).run(
    new Map([[INPUT_NAME, { shape: [values.length], values }]]),
  );
  const { probabilities, knownScore, label, classes, modelVersion, evidence } = OUTPUT_NAMES;
  const probability = largestDifference(numbersOf(actual.get(probabilities)), expected[probabilities].flat());
  assert.ok(probability < TOLERANCE, `a probability differs by ${probability}`);
  const score = largestDifference(numbersOf(actual.get(knownScore)), expected[knownScore]);
  assert.ok(score < SCORE_TOLERANCE, `a score differs by ${score}`);
  const map = largestDifference(numbersOf(actual.get(evidence)), expected[evidence].flat(2));
  assert.ok(map < TOLERANCE, `the evidence differs by ${map}`);
  for (const name of [label, classes, modelVersion])
    assert.deepEqual(stringsOf(actual.get(name)), expected[name].flat());
  process.stdout.write(
    `# largest differences: ${probability.toExponential(1)} of a probability, ${score.toExponential(1)} of a score, ${map.toExponential(1)} of the evidence\n`,
  );
};

test(
  'real TensorFlow says the same of 100 real photos as the local endpoint does',
  unless(NEEDS),
  async () => {
    const base = path.join(ROOT, 'model/default', MODEL_NAME);
    const version = latestVersion(readdirSync(base)) ?? '';
    await assertParity(await readFile(path.join(base, version, 'saved_model.pb')));
  },
);

/** Of each class, the photos from one share of its row to another. */
const ofEachClass = (from: number, to: number): Example[] =>
  [...new Set(photos.map(({ label }) => label))].flatMap((label) => {
    const row = photos.filter((photo) => photo.label === label);
    return row.slice(Math.round(from * row.length), Math.round(to * row.length));
  });

test('so it does of a head on a real backbone', unless(BACKBONE_NEEDS), async () => {
  const labels = readdirSync(flowers ?? '').sort();
  const { savedModel, metrics } = await trainModel({
    dataset: { labels, skipped: [] },
    split: { test: ofEachClass(0, 0.06), validation: ofEachClass(0.06, 0.3), train: ofEachClass(0.3, 1) },
    trainer: trainHead({
      pretrained: { name: 'MobileNet', directory: backbone ?? '' },
      ...{ classes: labels.length, recipe: { epochs: 5, batchSize: 16 } },
    }),
    ...{ backend, version: '7', command: 'test', seed: 1, drawn: 2 },
  });
  assert.ok(metrics.calibration, 'the score is one to be compared');
  assert.ok(
    decodeSavedModel(savedModel).nodes.has('background/known/mean'),
    'with the background of MobileNet',
  );
  await assertParity(savedModel);
});
