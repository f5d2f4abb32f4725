import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { FeatureCache } from './feature-cache.ts';

const KEY = 'a backbone, and how it is used';
/** Hashes of the pixels of two batches of photos, and what a backbone sees in them. */
const [BATCH, OTHER] = [['one', 'two'], ['three']];
const FEATURES = [Float32Array.of(0.1, 1 / 3), Float32Array.of(-0, 1e-38)];

const withFolder = async (work: (directory: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'features-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
};

/** Those of all backbones, each in a folder of its own. */
const filesIn = async (directory: string): Promise<string[]> => {
  const names = await readdir(directory, { recursive: true });
  const files = await Promise.all(
    names.map(async (name) => ((await stat(path.join(directory, name))).isFile() ? [name] : [])),
  );
  return files.flat().map((name) => path.join(directory, name));
};

/** Keeps the features, and returns the one file that holds them. */
const kept = async (
  directory: string,
  { key = KEY, contents = BATCH }: { readonly key?: string; readonly contents?: readonly string[] } = {},
): Promise<string> => {
  const before = await filesIn(directory);
  await new FeatureCache(directory, key).write(contents, FEATURES);
  const [file = '', ...others] = (await filesIn(directory)).filter((name) => !before.includes(name));
  assert.deepEqual(others, []);
  return file;
};

const found = (directory: string, contents: readonly string[] = BATCH, key = KEY) =>
  new FeatureCache(directory, key).read(contents);

test('features come back as they were kept, to the bit', () =>
  withFolder(async (directory) => {
    await kept(directory);
    assert.deepEqual(await found(directory), FEATURES);
  }));

test('of other photos, the same in another order included, there are none', () =>
  withFolder(async (directory) => {
    await kept(directory);
    for (const contents of [OTHER, BATCH.toReversed(), BATCH.slice(0, 1), [...BATCH, 'three']])
      assert.equal(await found(directory, contents), undefined, contents.join());
  }));

test('in a folder that is not there, there are none', () =>
  withFolder(async (directory) => {
    assert.equal(await found(path.join(directory, 'nowhere')), undefined);
  }));

test('those of two backbones lie side by side', () =>
  withFolder(async (directory) => {
    await kept(directory);
    assert.equal(await found(directory, BATCH, 'another'), undefined);
    const others = [Float32Array.of(7), Float32Array.of(8)];
    await new FeatureCache(directory, 'another').write(BATCH, others);
    assert.deepEqual(await found(directory, BATCH, 'another'), others);
    assert.deepEqual(await found(directory), FEATURES);
  }));

test('a file that was cut short anywhere is not used', () =>
  withFolder(async (directory) => {
    const file = await kept(directory);
    const whole = await readFile(file);
    for (const length of [0, 1, 64, 65, Math.floor(whole.length / 2), whole.length - 1]) {
      await writeFile(file, whole.subarray(0, length));
      assert.equal(await found(directory), undefined, `${length} of ${whole.length} bytes`);
    }
  }));

test('a file of which any byte was altered is not used', () =>
  withFolder(async (directory) => {
    const file = await kept(directory);
    const whole = await readFile(file);
    for (let place = 0; place < whole.length; place++) {
      const altered = Uint8Array.from(whole);
      altered[place] = (whole[place] ?? 0) ^ 1;
      await writeFile(file, altered);
      assert.equal(await found(directory), undefined, `byte ${place} of ${whole.length}`);
    }
  }));

test('a file that was moved to the place of other photos is not used', () =>
  withFolder(async (directory) => {
    const [file, other] = [await kept(directory), await kept(directory, { contents: OTHER })];
    await rename(file, other);
    assert.equal(await found(directory, OTHER), undefined);
    assert.equal(await found(directory), undefined);
  }));

test("a file that was copied to another backbone's place is not used", () =>
  withFolder(async (directory) => {
    const [file, other] = [await kept(directory), await kept(directory, { key: 'another' })];
    await copyFile(file, other);
    assert.equal(await found(directory, BATCH, 'another'), undefined);
    assert.deepEqual(await found(directory), FEATURES);
  }));

test('what is not used can be kept anew', () =>
  withFolder(async (directory) => {
    const file = await kept(directory);
    await writeFile(file, 'junk');
    await new FeatureCache(directory, KEY).write(BATCH, FEATURES);
    assert.deepEqual(await found(directory), FEATURES);
    assert.deepEqual(await filesIn(directory), [file]);
  }));

test('what cannot be kept is said, with what to do, and nothing is left of it', () =>
  withFolder(async (directory) => {
    const file = await kept(directory);
    await rm(file);
    await mkdir(path.join(file, 'in its place'), { recursive: true });
    await assert.rejects(new FeatureCache(directory, KEY).write(BATCH, FEATURES), {
      message: /features cannot be kept in .*\. Give another folder, or none\./,
    });
    assert.deepEqual(await filesIn(directory), []);
    assert.equal(await found(directory), undefined);
  }));
