import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { extract, list } from 'tar';
import { assertSameBytes, noise } from '../testing.ts';
import { storeModel, versionAt } from './store.ts';

const folders: string[] = [];
const folder = async (): Promise<string> => {
  const created = await mkdtemp(path.join(tmpdir(), 'store-'));
  folders.push(created);
  return created;
};

after(() => Promise.all(folders.map((name) => rm(name, { recursive: true }))));

const savedModel = noise(1, 5000);

test('a version is the UTC time to the second, in digits only', () => {
  assert.equal(versionAt(new Date('2026-01-02T03:04:05.678Z')), '20260102030405');
  assert.equal(versionAt(new Date('2026-12-31T23:59:59+02:00')), '20261231215959');
});

test('a later version is the higher number', () => {
  const versions = ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'].map((time) =>
    Number(versionAt(new Date(time))),
  );
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
  assert.ok(versions.every(Number.isSafeInteger));
});

test('the model lies where TensorFlow Serving looks for it', async () => {
  const directory = path.join(await folder(), 'not', 'yet', 'there');
  await storeModel(directory, '42', savedModel);
  const file = path.join(directory, 'image-classifier', '42', 'saved_model.pb');
  assertSameBytes(await readFile(file), savedModel);
});

test('model.tar.gz holds the version folder and the model, nothing else', async () => {
  const directory = await folder();
  await storeModel(directory, '41', noise(2, 100));
  await storeModel(directory, '42', savedModel);
  const entries: string[] = [];
  await list({
    file: path.join(directory, 'model.tar.gz'),
    onReadEntry: (entry) => {
      entries.push(entry.path);
    },
  });
  assert.deepEqual(entries, ['image-classifier/42/', 'image-classifier/42/saved_model.pb']);

  const unpacked = await folder();
  await extract({ file: path.join(directory, 'model.tar.gz'), cwd: unpacked });
  assertSameBytes(
    await readFile(path.join(unpacked, 'image-classifier', '42', 'saved_model.pb')),
    savedModel,
  );
});

test('the same model gives the same archive, wherever and whenever it is stored', async () => {
  const [one, two] = [await folder(), await folder()];
  await storeModel(one, '42', savedModel);
  await storeModel(two, '42', savedModel);
  await storeModel(two, '42', savedModel);
  const archive = (directory: string) => readFile(path.join(directory, 'model.tar.gz'));
  assertSameBytes(await archive(two), await archive(one));
  const mtime = gunzipSync(await archive(one))
    .subarray(136, 148)
    .filter((byte) => byte > 0x20);
  assert.match(mtime.toString(), /^0*$/, 'the first entry carries no time (POSIX.1-1988 ustar header)');
});
