import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fetchBackbone } from './fetch-backbone.ts';
import { folderDestination } from './folder.ts';
import { originOf } from './origin.ts';
import { FILES, MODEL, startHub, temporaryFolder, WEIGHTS } from './testing.ts';

const CONTENT = { [WEIGHTS.name]: WEIGHTS.content, [MODEL.name]: MODEL.content };

const setUp = async (t: TestContext, content: Readonly<Record<string, Uint8Array>> = CONTENT) => {
  const { address, asked } = await startHub(t, content);
  const root = temporaryFolder(t);
  const folder = path.join(root, 'build', 'network');
  const fetchFrom = (from: string) =>
    fetchBackbone({ files: FILES, origin: originOf(from), destination: folderDestination(folder) });
  return { root, folder, address, asked, fetchFrom };
};

test('the files are fetched over a redirect, and lie in a folder that others may read', async (t) => {
  const { folder, address, asked, fetchFrom } = await setUp(t);
  assert.equal(await fetchFrom(address), true);
  assert.deepEqual(asked, [
    '/hub/weights.bin?tfjs-format=file',
    '/store/weights.bin',
    '/hub/model.json?tfjs-format=file',
    '/store/model.json',
  ]);
  assert.deepEqual(readdirSync(path.dirname(folder)), ['network']);
  assert.deepEqual(readdirSync(folder).sort(), ['model.json', 'weights.bin']);
  assert.equal(statSync(folder).mode, statSync(path.dirname(folder)).mode);
  assert.deepEqual(readFileSync(path.join(folder, MODEL.name)), MODEL.content);
});

test('files that are there already are not fetched again', async (t) => {
  const { address, asked, fetchFrom } = await setUp(t);
  await fetchFrom(address);
  const before = asked.length;
  assert.equal(await fetchFrom(address), false);
  assert.equal(asked.length, before);
});

test('a file of other content is refused, and nothing is left', async (t) => {
  const { root, address, fetchFrom } = await setUp(t, { ...CONTENT, [MODEL.name]: Buffer.from('<html>') });
  await assert.rejects(fetchFrom(address), (error: Error) => {
    assert.match(error.message, /\/hub\/model\.json\S* is not the model\.json that was published/);
    assert.match(error.message, /its SHA-256 is [0-9a-f]{64} \(6 bytes\)/);
    assert.ok(error.message.includes(`expected is ${MODEL.sha256} (15 bytes)`));
    assert.match(error.message, /Nothing was put in place\..*--from/);
    return true;
  });
  assert.deepEqual(readdirSync(root), []);
});

test('a file that is not there is named with where it was looked for', async (t) => {
  const { root, address, fetchFrom } = await setUp(t, { [WEIGHTS.name]: WEIGHTS.content });
  await assert.rejects(
    fetchFrom(address),
    /\/hub\/model\.json\?tfjs-format=file could not be fetched: \S+\/store\/model\.json answered 404\. .*--from/,
  );
  assert.deepEqual(readdirSync(root), []);
});

test('an unpacked download is as good as an address, but for its checksums', async (t) => {
  const { fetchFrom } = await setUp(t);
  const unpacked = temporaryFolder(t);
  await assert.rejects(
    fetchFrom(unpacked),
    /weights\.bin cannot be read .*Give --from the folder that holds/,
  );
  for (const { name, content } of FILES) writeFileSync(path.join(unpacked, name), content);
  assert.equal(await fetchFrom(unpacked), true);
  writeFileSync(path.join(unpacked, MODEL.name), '{}');
  const { fetchFrom: again } = await setUp(t);
  await assert.rejects(again(unpacked), /is not the model\.json that was published/);
});

test('a folder that holds something else is left as it is, and nothing is fetched', async (t) => {
  const { folder, address, asked, fetchFrom } = await setUp(t);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'thesis.txt'), 'mine');
  await assert.rejects(fetchFrom(address), /holds something already, but no weights\.bin\..*--to/);
  writeFileSync(path.join(folder, WEIGHTS.name), 'other');
  await assert.rejects(fetchFrom(address), /but a weights\.bin whose SHA-256 is \w+, not \w+\..*--to/);
  assert.deepEqual(readdirSync(folder).sort(), ['thesis.txt', 'weights.bin']);
  assert.deepEqual(asked, []);
});

test('an empty folder is filled; a file in its place is not replaced', async (t) => {
  const { root, folder, address, fetchFrom } = await setUp(t);
  mkdirSync(folder, { recursive: true });
  assert.equal(await fetchFrom(address), true);
  const file = path.join(root, 'file');
  writeFileSync(file, 'mine');
  const destination = folderDestination(file);
  await assert.rejects(
    fetchBackbone({ files: FILES, origin: originOf(address), destination }),
    /file cannot be used: ENOTDIR.*--to/,
  );
});
