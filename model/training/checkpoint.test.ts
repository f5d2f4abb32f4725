import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { encodeWeightsFile } from '../network/weights.ts';
import { example } from '../shared/test-pictures.ts';
import { beginning, type Checkpoint, CheckpointStore, fingerprintOf } from './checkpoint.ts';
import { watchedCheckpoints } from './test-training.ts';

const INPUT = {
  examples: [example(0, 'one'), example(1, 'two')],
  validation: [example(0, 'three')],
  options: { epochs: 3 },
  weights: [Float32Array.of(1, 2)],
};
const FINGERPRINT = fingerprintOf(INPUT);

const at = (step: number): Checkpoint => ({
  progress: { ...beginning(7), step, steps: step, best: { epoch: 1, loss: 1 / 3 } },
  tensors: { network: [Float32Array.of(step, 0.1)], best: [] },
});

/** A store with the steps already saved, as another process left it. */
const savedSteps = async (directory: string, steps: readonly number[], fingerprint = FINGERPRINT) => {
  const store = new CheckpointStore(directory);
  await store.load(fingerprint);
  for (const step of steps) await store.save(fingerprint, at(step));
};

const loaded = async (directory: string, fingerprint = FINGERPRINT) => {
  const { checkpoints, warnings } = watchedCheckpoints(directory);
  const checkpoint = await checkpoints.load(fingerprint);
  return { steps: checkpoint?.progress.steps, checkpoint, warnings };
};

test('the newest checkpoint is restored as it was saved; a missing folder has none, and is created', async (t) => {
  const directory = path.join(temporaryFolder(t), 'deep', 'checkpoints');
  assert.deepEqual(await loaded(directory), { steps: undefined, checkpoint: undefined, warnings: [] });
  await savedSteps(directory, [1, 2, 3]);
  const { checkpoint, warnings } = await loaded(directory);
  assert.deepEqual(checkpoint?.progress, at(3).progress);
  assert.deepEqual(checkpoint.tensors, at(3).tensors);
  assert.deepEqual(warnings, []);
});

test('only the last two are kept, never under another name; what is half-written is ignored', async (t) => {
  const directory = temporaryFolder(t);
  await savedSteps(directory, [1, 2, 3, 4, 5]);
  const first = await readdir(directory);
  assert.equal(first.length, 2);
  await writeFile(path.join(directory, 'next.checkpoint.tmp'), 'half');
  await savedSteps(directory, [6]);
  assert.deepEqual(await readdir(directory), first);
  const { steps, warnings } = await loaded(directory);
  assert.deepEqual([steps, warnings], [6, []]);
});

/** The file with the checkpoint after a number of steps. */
const fileOf = async (directory: string, step: number): Promise<string> => {
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    if ((await readFile(file, 'utf8')).includes(`"steps":${step},`)) return file;
  }
  throw new Error(`No file holds step ${step}.`);
};

test('if the newest one is truncated, the previous one is used, and the next one overwrites it', async (t) => {
  const directory = temporaryFolder(t);
  await savedSteps(directory, [1, 2]);
  const newest = await fileOf(directory, 2);
  await writeFile(newest, (await readFile(newest)).subarray(0, -1));
  const { steps, warnings } = await loaded(directory);
  assert.equal(steps, 1);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /damaged or truncated/);
  assert.ok(warnings[0]?.includes(newest));

  await savedSteps(directory, [9]);
  assert.equal(await fileOf(directory, 9), newest);
  assert.ok(await fileOf(directory, 1));
});

const OTHERS: readonly (readonly [difference: string, change: Partial<typeof INPUT>])[] = [
  ['its photos', { examples: [example(0, 'one'), example(0, 'two')] }],
  ['its photos', { examples: [...INPUT.examples, ...INPUT.validation], validation: [] }],
  ['its options', { options: { epochs: 4 } }],
  ['the weights it started from', { weights: [Float32Array.of(1, 3)] }],
];

test('another training is not resumed from it, and the warning names the difference', async (t) => {
  const directory = temporaryFolder(t);
  await savedSteps(directory, [1, 2]);
  for (const [difference, change] of OTHERS) {
    const { steps, warnings } = await loaded(directory, fingerprintOf({ ...INPUT, ...change }));
    assert.equal(steps, undefined);
    assert.equal(warnings.length, 2);
    for (const text of warnings) assert.ok(text.includes(`training, which differs in ${difference};`), text);
  }
});

test('a checkpoint of another format is not resumed from', async (t) => {
  const directory = temporaryFolder(t);
  const bytes = encodeWeightsFile({ header: { format: 0 }, groups: {} });
  await writeFile(path.join(directory, 'a.checkpoint'), bytes);
  const { steps, warnings } = await loaded(directory);
  assert.equal(steps, undefined);
  assert.match(warnings.join(), /another version of this program/);
});
