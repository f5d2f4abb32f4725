import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { INPUT_NAME, OUTPUT_NAMES, PHOTO_BYTES } from '../../model/contract/tensors.ts';

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
});

/** What a model says of each photo, by the names of its outputs. */
export type Answers = z.infer<typeof answersSchema>;

/**
 * Asks real TensorFlow, on the CPU.
 *
 * @param python a Python that has TensorFlow
 * @param savedModel bytes of `saved_model.pb`
 * @param photos uint8 RGB, `224 * 224 * 3` each
 */
export const askTensorFlow = (
  python: string,
  savedModel: Uint8Array,
  photos: readonly Uint8Array[],
): Answers => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-parity-'));
  try {
    writeFileSync(path.join(folder, 'saved_model.pb'), savedModel);
    const file = path.join(folder, 'photos');
    writeFileSync(file, Buffer.concat(photos));
    const { stdout, stderr, status } = spawnSync(
      python,
      ['-c', PYTHON, folder, file, String(PHOTO_BYTES), INPUT_NAME],
      { encoding: 'utf8', maxBuffer: 1e8, env: { ...process.env, CUDA_VISIBLE_DEVICES: '-1' } },
    );
    assert.equal(status, 0, stderr);
    return answersSchema.parse(JSON.parse(stdout));
  } finally {
    rmSync(folder, { recursive: true });
  }
};
