import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { create, Header } from 'tar';
import { MODEL_ARCHIVE } from '../contract/learning-jobs.ts';
import { buildHead } from '../network/head.ts';
import { buildNetwork } from '../network/network.ts';
import { loadBackend } from '../runtime/backend.ts';
import { scramble } from '../savedmodel/testing.ts';
import { writeFiles } from '../shared/files.ts';
import {
  containsArchive,
  encodeNetwork,
  NETWORK_FILE,
  type NetworkShape,
  readNetwork,
  withArchive,
} from './archive.ts';
import type { ContainerPaths } from './container.ts';
import { packModel, withOptMl } from './job-test-helpers.ts';

const BLOCK = 512;

/** An archive of one file under any path. */
const hostile = (name: string): Uint8Array => {
  const header = Buffer.alloc(BLOCK);
  const content = Buffer.alloc(BLOCK, 'x');
  new Header({ path: name, size: BLOCK, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(header, 0);
  return gzipSync(Buffer.concat([header, content, Buffer.alloc(2 * BLOCK)]));
};

test('what was packed is there while the work lasts, and not after', () =>
  withOptMl(async (optMl) => {
    await writeFiles(optMl.at('model'), { 'photos.json': '{}', 'deep/1/saved_model.pb': 'bytes' });
    await packModel(optMl.at('model'), optMl.at('packed'));
    assert.equal(await containsArchive(optMl.at('packed')), true);
    const folder = await withArchive(optMl.at('packed'), async (unpacked) => {
      assert.equal(await readFile(path.join(unpacked, 'deep/1/saved_model.pb'), 'utf8'), 'bytes');
      return unpacked;
    });
    await assert.rejects(readdir(folder), { code: 'ENOENT' });
  }));

test('a folder that is empty, missing, or holds something else has no archive', () =>
  withOptMl(async (optMl) => {
    await writeFiles(optMl.at('note'), { 'README.txt': 'nothing' });
    for (const name of ['note', 'missing', '.'])
      assert.equal(await containsArchive(optMl.at(name)), false, name);
  }));

for (const name of ['../escaped.txt', '/escaped.txt', 'deep/../../escaped.txt']) {
  test(`an archive that reaches for ${name} is refused`, () =>
    withOptMl(async (optMl) => {
      await writeFiles(optMl.at('packed'), { [MODEL_ARCHIVE]: hostile(name) });
      await assert.rejects(
        withArchive(optMl.at('packed'), async () => assert.fail('it was unpacked')),
        { message: /cannot be unpacked/ },
      );
    }));
}

test('links are not unpacked', () =>
  withOptMl(async (optMl) => {
    await mkdir(optMl.at('model'));
    await symlink('/etc', optMl.at('model', 'link'));
    await writeFile(optMl.at('model', 'file'), 'content');
    await mkdir(optMl.at('packed'));
    await create({ cwd: optMl.at('model'), gzip: true, file: optMl.at('packed', MODEL_ARCHIVE) }, ['.']);
    await withArchive(optMl.at('packed'), async (unpacked) => {
      assert.deepEqual(await readdir(unpacked), ['file']);
      assert.ok((await lstat(path.join(unpacked, 'file'))).isFile());
    });
  }));

test('an archive that was cut short is refused by its name', () =>
  withOptMl(async (optMl) => {
    await writeFiles(optMl.at('model'), { 'photos.json': 'x'.repeat(5000) });
    await packModel(optMl.at('model'), optMl.at('packed'));
    const file = optMl.at('packed', MODEL_ARCHIVE);
    await writeFile(file, (await readFile(file)).subarray(0, -20));
    await assert.rejects(
      withArchive(optMl.at('packed'), async () => 'done'),
      ({ message }: Error) => message.includes(file) && /cannot be unpacked/.test(message),
    );
  }));

before(() => loadBackend({ native: false }));

const SHAPE: NetworkShape = { stem: 4, blocks: [6, 8], dropout: 0.2 };
const LABELS = ['daisy', 'rose'];

const weightsOf = (network: LayersModel) => network.weights.map((weight) => [...weight.read().dataSync()]);

/** A network whose every weight differs from a new one's, and its file. */
const stored = async (optMl: ContainerPaths): Promise<LayersModel> => {
  const network = buildNetwork({ ...SHAPE, classes: 2 });
  scramble(network, 5);
  await writeFiles(optMl.root, {
    [NETWORK_FILE]: await encodeNetwork(network, LABELS, { kind: 'network', shape: SHAPE }),
  });
  return network;
};

test('a network comes back with all its weights, to the bit', () =>
  withOptMl(async (optMl) => {
    const network = await stored(optMl);
    const earlier = await readNetwork(optMl.root);
    assert.deepEqual(earlier.labels, LABELS);
    assert.deepEqual(earlier.kind === 'network' && earlier.shape, SHAPE);
    const again = earlier.build({ classes: 2, keepClassifier: true, seed: 9 });
    assert.deepEqual(weightsOf(again), weightsOf(network));
  }));

test('a head comes back with the features that it was trained on', () =>
  withOptMl(async (optMl) => {
    const head = buildHead(3, 2);
    scramble(head, 6);
    const standardization = { mean: Float32Array.of(1, 2, 3), scale: Float32Array.of(4, 5, 6) };
    const kind = { kind: 'head', backbone: 'of these features', standardization } as const;
    await writeFiles(optMl.root, { [NETWORK_FILE]: await encodeNetwork(head, LABELS, kind) });
    const { labels, build, ...trained } = await readNetwork(optMl.root);
    assert.deepEqual([labels, trained], [LABELS, kind]);
    const again = build({ classes: 2, keepClassifier: true, seed: 9 });
    assert.deepEqual(weightsOf(again), weightsOf(head));
    const [hidden] = build({ classes: 4, keepClassifier: false, seed: 9 }).getLayer('hidden').getWeights();
    assert.deepEqual(hidden?.dataSync(), head.getLayer('hidden').getWeights()[0]?.dataSync());
  }));

test('for other classes the layer that names them starts anew, and nothing else', () =>
  withOptMl(async (optMl) => {
    const network = await stored(optMl);
    const { build } = await readNetwork(optMl.root);
    const other = build({ classes: 3, keepClassifier: false, seed: 9 });
    const fresh = buildNetwork({ ...SHAPE, classes: 3, seed: 9 });
    const [classifier, bias] = other.getLayer('logits').getWeights();
    const [expected] = fresh.getLayer('logits').getWeights();
    assert.deepEqual(classifier?.dataSync(), expected?.dataSync());
    assert.deepEqual(bias?.shape, [3]);
    const body = (model: LayersModel) => {
      const last = new Set(model.getLayer('logits').weights);
      return model.weights
        .filter((weight) => !last.has(weight))
        .map((weight) => [...weight.read().dataSync()]);
    };
    assert.deepEqual(body(other), body(network));
  }));

test('a missing or damaged file is no network to go on from', () =>
  withOptMl(async (optMl) => {
    await assert.rejects(readNetwork(optMl.root), { message: /network\.bin is missing/ });
    await writeFiles(optMl.root, { [NETWORK_FILE]: 'junk\n{}\n' });
    await assert.rejects(readNetwork(optMl.root), { message: /network\.bin is damaged/ });
  }));
