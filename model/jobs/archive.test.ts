import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Header } from 'tar';
import { loadBackend } from '../backend/backend.ts';
import { MODEL_ARCHIVE } from '../contract/sagemaker-jobs.ts';
import { buildHead } from '../network/head.ts';
import { buildNetwork } from '../network/network.ts';
import { scramble } from '../savedmodel/test-networks.ts';
import { writeFiles } from '../shared/files.ts';
import { weightValues } from '../training/test-training.ts';
import {
  containsArchive,
  NETWORK_FILE,
  type NetworkShape,
  readNetwork,
  serializeFineTuned,
  serializeNetwork,
  withArchive,
} from './archive.ts';
import type { ContainerPaths } from './container.ts';
import { packModel, withContainer } from './test-jobs.ts';

const BLOCK = 512;

/** An archive of one file under any path. */
const hostile = (name: string): Uint8Array => {
  const header = Buffer.alloc(BLOCK);
  const content = Buffer.alloc(BLOCK, 'x');
  new Header({ path: name, size: BLOCK, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(header, 0);
  return gzipSync(Buffer.concat([header, content, Buffer.alloc(2 * BLOCK)]));
};

test('what was packed is there while the work lasts, and not after', () =>
  withContainer(async (container) => {
    await writeFiles(container.at('model'), { 'photos.json': '{}', 'deep/1/saved_model.pb': 'bytes' });
    await packModel(container.at('model'), container.at('packed'));
    assert.equal(await containsArchive(container.at('packed')), true);
    const folder = await withArchive(container.at('packed'), async (unpacked) => {
      assert.equal(await readFile(path.join(unpacked, 'deep/1/saved_model.pb'), 'utf8'), 'bytes');
      return unpacked;
    });
    await assert.rejects(readdir(folder), { code: 'ENOENT' });
  }));

test('a folder that is empty, missing, or holds something else has no archive', () =>
  withContainer(async (container) => {
    await writeFiles(container.at('note'), { 'README.txt': 'nothing' });
    for (const name of ['note', 'missing', '.'])
      assert.equal(await containsArchive(container.at(name)), false, name);
  }));

for (const name of ['../escaped.txt', '/escaped.txt', 'deep/../../escaped.txt']) {
  test(`an archive that reaches for ${name} is refused`, () =>
    withContainer(async (container) => {
      await writeFiles(container.at('packed'), { [MODEL_ARCHIVE]: hostile(name) });
      await assert.rejects(
        withArchive(container.at('packed'), async () => assert.fail('it was unpacked')),
        { message: /cannot be unpacked/ },
      );
    }));
}

test('links are not unpacked', () =>
  withContainer(async (container) => {
    await mkdir(container.at('model'));
    await symlink('/etc', container.at('model', 'link'));
    await writeFile(container.at('model', 'file'), 'content');
    await packModel(container.at('model'), container.at('packed'));
    await withArchive(container.at('packed'), async (unpacked) => {
      assert.deepEqual(await readdir(unpacked), ['file']);
      assert.ok((await lstat(path.join(unpacked, 'file'))).isFile());
    });
  }));

test('an archive that was cut short is refused by its name', () =>
  withContainer(async (container) => {
    await writeFiles(container.at('model'), { 'photos.json': 'x'.repeat(5000) });
    await packModel(container.at('model'), container.at('packed'));
    const file = container.at('packed', MODEL_ARCHIVE);
    await writeFile(file, (await readFile(file)).subarray(0, -20));
    await assert.rejects(
      withArchive(container.at('packed'), async () => 'done'),
      ({ message }: Error) => message.includes(file) && /cannot be unpacked/.test(message),
    );
  }));

before(() => loadBackend({ native: false }));

const SHAPE: NetworkShape = { stem: 4, blocks: [6, 8], dropout: 0.2 };
const LABELS = ['daisy', 'rose'];

/** A network whose every weight differs from a new one's, and its file. */
const stored = async (container: ContainerPaths): Promise<LayersModel> => {
  const network = buildNetwork({ ...SHAPE, classes: 2 });
  scramble(network, 5);
  await writeFiles(container.root, {
    [NETWORK_FILE]: await serializeNetwork(network, LABELS, { kind: 'network', shape: SHAPE }),
  });
  return network;
};

test('a network comes back with all its weights, to the bit', () =>
  withContainer(async (container) => {
    const network = await stored(container);
    const earlier = await readNetwork(container.root);
    assert.deepEqual(earlier.labels, LABELS);
    assert.ok(earlier.kind === 'network');
    assert.deepEqual(earlier.shape, SHAPE);
    const again = earlier.build({ classes: 2, keepClassifier: true, seed: 9 });
    assert.deepEqual(weightValues(again), weightValues(network));
  }));

test('a head comes back with the features that it was trained on', () =>
  withContainer(async (container) => {
    const head = buildHead(3, 2);
    scramble(head, 6);
    const standardization = { mean: Float32Array.of(1, 2, 3), scale: Float32Array.of(4, 5, 6) };
    const kind = { kind: 'head', backbone: 'of these features', standardization } as const;
    await writeFiles(container.root, { [NETWORK_FILE]: await serializeNetwork(head, LABELS, kind) });
    const earlier = await readNetwork(container.root);
    assert.ok(earlier.kind === 'head');
    const { labels, build, ...trained } = earlier;
    assert.deepEqual([labels, trained], [LABELS, kind]);
    const again = build({ classes: 2, keepClassifier: true, seed: 9 });
    assert.deepEqual(weightValues(again), weightValues(head));
    const [hidden] = build({ classes: 4, keepClassifier: false, seed: 9 }).getLayer('hidden').getWeights();
    assert.deepEqual(hidden?.dataSync(), head.getLayer('hidden').getWeights()[0]?.dataSync());
  }));

test('trained blocks of a backbone come back to the bit', () =>
  withContainer(async (container) => {
    const [body, classifier] = [[Float32Array.of(1, 2, 0.1)], [Float32Array.of(3), Float32Array.of(0.7)]];
    const blocks = { backbone: 'this one', blocks: 2, body, classifier };
    await writeFiles(container.root, { [NETWORK_FILE]: serializeFineTuned(LABELS, blocks) });
    const expected = { kind: 'fine-tuned', format: 2, labels: LABELS, ...blocks };
    assert.deepEqual(await readNetwork(container.root), expected);
  }));

test('for other classes only the layer that names them starts from random weights', () =>
  withContainer(async (container) => {
    const network = await stored(container);
    const earlier = await readNetwork(container.root);
    assert.ok(earlier.kind === 'network');
    const other = earlier.build({ classes: 3, keepClassifier: false, seed: 9 });
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

test('a training cannot start from a missing or damaged file', () =>
  withContainer(async (container) => {
    await assert.rejects(readNetwork(container.root), { message: /network\.bin is missing/ });
    await writeFiles(container.root, { [NETWORK_FILE]: 'junk\n{}\n' });
    await assert.rejects(readNetwork(container.root), { message: /network\.bin is damaged/ });
  }));
