import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { loadBackend } from '../backend/backend.ts';
import { MODEL_ARCHIVE } from '../contract/sagemaker-jobs.ts';
import { buildNetwork } from '../network/network.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { writeFiles } from '../shared/files.ts';
import { weightValues } from '../training/test-training.ts';
import {
  encodeNetwork,
  NETWORK_FILE,
  readNetwork,
  readWeights,
  restoreWeights,
  type StoredNetwork,
  withArchive,
} from './archive.ts';
import { packModel, withContainer } from './test-jobs.ts';

const BLOCK = 512;

/** An archive of one file under any path. */
const hostile = (name: string): Uint8Array => {
  const header = Buffer.alloc(BLOCK);
  const content = Buffer.alloc(BLOCK, 'x');
  new Header({ path: name, size: BLOCK, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(header, 0);
  return gzipSync(Buffer.concat([header, content, Buffer.alloc(2 * BLOCK)]));
};

test('unpacked files exist while the work lasts, and not after; links are not unpacked', () =>
  withContainer(async (container) => {
    await writeFiles(container.at('model'), { 'deep/1/saved_model.pb': 'bytes' });
    await symlink('/etc', container.at('model', 'link'));
    await packModel(container.at('model'), container.at('packed'));
    const folder = await withArchive(container.at('packed'), async (unpacked) => {
      assert.deepEqual(await readdir(unpacked), ['deep']);
      assert.equal(await readFile(path.join(unpacked, 'deep/1/saved_model.pb'), 'utf8'), 'bytes');
      return unpacked;
    });
    await assert.rejects(readdir(folder ?? ''), { code: 'ENOENT' });
  }));

test('a folder that is missing or holds something else has no archive', () =>
  withContainer(async (container) => {
    await writeFiles(container.at('note'), { 'README.txt': 'nothing' });
    for (const name of ['note', 'missing'])
      assert.equal(await withArchive(container.at(name), async () => 'work'), undefined);
  }));

test('an archive that reaches outside its folder or is truncated is refused by name', () =>
  withContainer(async (container) => {
    await mkdir(container.at('packed'));
    const file = container.at('packed', MODEL_ARCHIVE);
    const outside = ['../escaped.txt', '/escaped.txt', 'deep/../../escaped.txt'].map(hostile);
    for (const bytes of [...outside, hostile('file').subarray(0, -20)]) {
      await writeFile(file, bytes);
      await assert.rejects(
        withArchive(container.at('packed'), async () => assert.fail('it was unpacked')),
        ({ message }: Error) => message.startsWith(`${file} cannot be unpacked`),
      );
    }
  }));

before(() => loadBackend({ native: false }));

const SHAPE = { stem: 4, blocks: [6, 8], dropout: 0.2 };
const LABELS = ['daisy', 'rose'];
const WEIGHTS = {
  body: [Float32Array.of(1, 2, 0.1)],
  classifier: [Float32Array.of(3), Float32Array.of(0.7)],
};

const STORED: readonly StoredNetwork[] = [
  { kind: 'network', labels: LABELS, shape: SHAPE, ...WEIGHTS },
  { kind: 'head', labels: LABELS, backbone: 'this one', standardization: WEIGHTS.classifier, ...WEIGHTS },
  { kind: 'fine-tuned', labels: LABELS, backbone: 'this one', blocks: 2, ...WEIGHTS },
];
for (const stored of STORED)
  test(`a ${stored.kind} is restored bit for bit`, () =>
    withContainer(async (container) => {
      await writeFiles(container.root, { [NETWORK_FILE]: encodeNetwork(stored) });
      assert.deepEqual(await readNetwork(container.root), { format: 2, ...stored });
    }));

test("a network starts from an earlier one's weights; with other classes, from all but the classifier's", async () => {
  const network = buildNetwork({ ...SHAPE, classes: 2 });
  scramble(network, 5);
  const weights = await readWeights(network);
  const same = restoreWeights(buildNetwork({ ...SHAPE, classes: 2, seed: 9 }), weights, true);
  assert.deepEqual(weightValues(same), weightValues(network));
  const fresh = await readWeights(buildNetwork({ ...SHAPE, classes: 3, seed: 9 }));
  const other = restoreWeights(buildNetwork({ ...SHAPE, classes: 3, seed: 9 }), weights, false);
  assert.deepEqual(await readWeights(other), { body: weights.body, classifier: fresh.classifier });
});

test('a training cannot start from a missing or damaged file', () =>
  withContainer(async (container) => {
    await assert.rejects(readNetwork(container.root), { message: /network\.bin is missing/ });
    await writeFiles(container.root, { [NETWORK_FILE]: 'junk\n{}\n' });
    await assert.rejects(readNetwork(container.root), { message: /network\.bin is damaged/ });
  }));
