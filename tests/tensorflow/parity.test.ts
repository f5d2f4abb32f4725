import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { INPUT_NAME, MODEL_NAME, OUTPUT_NAMES, PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';
import { loadBackend } from '../../model/runtime/backend.ts';
import { GraphRunner, type Output } from '../../model/runtime/graph-runner.ts';
import { decodeSavedModel } from '../../model/savedmodel/decode.ts';
import { ROOT } from '../../scripts/root.ts';
import { need, pathFrom } from '../requirements.ts';

const COUNT = 100;
const TOLERANCE = 1e-4;
/** A score is a sum of numbers around 10. */
const SCORE_TOLERANCE = 1e-3;

/** Loads a SavedModel in real TensorFlow and prints what it says of raw photos, as JSON. */
const PYTHON = `
import json, sys, tensorflow as tf
folder, photos, size = sys.argv[1], open(sys.argv[2], 'rb').read(), int(sys.argv[3])
batch = tf.constant([photos[i:i + size] for i in range(0, len(photos), size)])
answer = tf.saved_model.load(folder).signatures['serving_default'](**{sys.argv[4]: batch})
text = lambda value: value.decode() if isinstance(value, bytes) else [text(v) for v in value] if isinstance(value, list) else value
print(json.dumps({name: text(value.numpy().tolist()) for name, value in answer.items()}))
`;

const answerSchema = z.object({
  [OUTPUT_NAMES.probabilities]: z.array(z.array(z.number())),
  [OUTPUT_NAMES.label]: z.array(z.string()),
  [OUTPUT_NAMES.classes]: z.array(z.array(z.string())),
  [OUTPUT_NAMES.modelVersion]: z.array(z.string()),
  [OUTPUT_NAMES.knownScore]: z.array(z.number()),
});

const python = pathFrom('TENSORFLOW_PYTHON');
const flowers = pathFrom('FLOWERS_DIR');
const options = [
  need('tensorflow', python, 'set TENSORFLOW_PYTHON to a Python that has TensorFlow.'),
  need('flowers', flowers, 'set FLOWERS_DIR to a folder with one folder of photos per class.'),
].find(({ skip }) => skip !== false) ?? { skip: false };

/** Photos of every class, spread over each folder. */
const samplePhotos = async (root: string): Promise<Uint8Array[]> => {
  const folders = readdirSync(root).map((name) => path.join(root, name));
  const perFolder = Math.ceil(COUNT / folders.length);
  const files = folders.flatMap((folder) => {
    const all = readdirSync(folder).sort();
    const step = Math.max(1, Math.floor(all.length / perFolder));
    return all
      .filter((_, index) => index % step === 0)
      .slice(0, perFolder)
      .map((file) => path.join(folder, file));
  });
  return Promise.all(files.slice(0, COUNT).map(async (file) => readPhoto(await readFile(file))));
};

const numbersOf = (output: Output | undefined): readonly number[] =>
  output && 'numbers' in output ? output.numbers : [];
const stringsOf = (output: Output | undefined): string[] =>
  output && 'strings' in output ? output.strings.map((value) => new TextDecoder().decode(value)) : [];

const work = mkdtempSync(path.join(tmpdir(), 'bloomstack-parity-'));
before(() => loadBackend({ native: false }));
after(() => rmSync(work, { recursive: true }));

test('real TensorFlow says the same of 100 real photos as the stand-in does', options, async () => {
  const base = path.join(ROOT, 'model/default', MODEL_NAME);
  const [version = ''] = readdirSync(base);
  const folder = path.join(base, version);
  const photos = await samplePhotos(flowers ?? '');
  assert.equal(photos.length, COUNT);
  const file = path.join(work, 'photos');
  writeFileSync(file, Buffer.concat(photos));

  const { stdout, stderr, status } = spawnSync(
    python ?? '',
    ['-c', PYTHON, folder, file, String(PHOTO_BYTES), INPUT_NAME],
    { encoding: 'utf8', maxBuffer: 1e8, env: { ...process.env, CUDA_VISIBLE_DEVICES: '-1' } },
  );
  assert.equal(status, 0, stderr);
  const expected = answerSchema.parse(JSON.parse(stdout));

  const runner = new GraphRunner(decodeSavedModel(await readFile(path.join(folder, 'saved_model.pb'))));
  const actual = await runner.run(new Map([[INPUT_NAME, { shape: [COUNT], values: photos }]]));
  const probabilities = expected[OUTPUT_NAMES.probabilities].flat();
  const differences = numbersOf(actual.get(OUTPUT_NAMES.probabilities)).map((value, index) =>
    Math.abs(value - (probabilities[index] ?? Number.NaN)),
  );
  assert.equal(differences.length, probabilities.length);
  assert.ok(Math.max(...differences) < TOLERANCE, `largest difference ${Math.max(...differences)}`);
  const scores = numbersOf(actual.get(OUTPUT_NAMES.knownScore));
  assert.equal(scores.length, COUNT);
  scores.forEach((score, index) => {
    const difference = Math.abs(score - (expected[OUTPUT_NAMES.knownScore][index] ?? Number.NaN));
    assert.ok(difference < SCORE_TOLERANCE, `score ${index} differs by ${difference}`);
  });
  assert.deepEqual(stringsOf(actual.get(OUTPUT_NAMES.label)), expected[OUTPUT_NAMES.label]);
  assert.deepEqual(stringsOf(actual.get(OUTPUT_NAMES.classes)), expected[OUTPUT_NAMES.classes].flat());
  assert.deepEqual(stringsOf(actual.get(OUTPUT_NAMES.modelVersion)), expected[OUTPUT_NAMES.modelVersion]);
  process.stdout.write(
    `# largest difference of a probability: ${Math.max(...differences).toExponential(1)}\n`,
  );
});
