import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { extract, list } from 'tar';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { seededRandom } from '../shared/random.ts';
import { assertSameBytes, noise } from '../shared/test-pictures.ts';
import { decodeSavedModel, encodeSavedModel, storeModel, versionAt } from './file.ts';
import { DataType, Graph, SavedModelError } from './graph.ts';
import { MetaGraphDefSchema, type SavedModel, SavedModelSchema } from './proto/tensorflow_pb.ts';

const smallest = (): Uint8Array => {
  const graph = new Graph();
  const node = graph.placeholder('in', DataType.string, [null]);
  const tensor = { node, dtype: DataType.string, shape: [null] };
  return encodeSavedModel({ graph, inputs: { photo: tensor }, outputs: { same: tensor } });
};

const changed = (change: (model: SavedModel) => void): Uint8Array => {
  const model = fromBinary(SavedModelSchema, smallest());
  change(model);
  return toBinary(SavedModelSchema, model);
};

const refuses = (bytes: Uint8Array, message: RegExp) =>
  assert.throws(() => decodeSavedModel(bytes), { name: SavedModelError.name, message });

test('what was encoded is decoded: nodes by name, and the signature', () => {
  const { nodes, signature } = decodeSavedModel(smallest());
  assert.deepEqual([...nodes.keys()], ['in']);
  assert.equal(nodes.get('in')?.op, 'Placeholder');
  assert.equal(signature.inputs['photo']?.name, 'in:0');
  assert.equal(signature.inputs['photo']?.dtype, 7);
  assert.deepEqual(
    signature.outputs['same']?.tensorShape?.dim.map(({ size }) => size),
    [-1n],
  );
  assert.equal(signature.methodName, 'tensorflow/serving/predict');
});

test('a SavedModel says for which TensorFlow and schema it was written', () => {
  const { savedModelSchemaVersion, metaGraphs } = fromBinary(SavedModelSchema, smallest());
  assert.equal(savedModelSchemaVersion, 1n);
  assert.deepEqual(metaGraphs[0]?.metaInfoDef?.tags, ['serve']);
  assert.match(metaGraphs[0]?.metaInfoDef?.tensorflowVersion ?? '', /^2\.\d+\.\d+$/);
  assert.ok((metaGraphs[0]?.graphDef?.versions?.producer ?? 0) > 0);
});

test('an empty file has no graph', () => refuses(new Uint8Array(), /no graph tagged "serve"/));

test('bytes that are not a message are refused as such', () =>
  refuses(new TextEncoder().encode('<html>not found</html>'), /not a saved_model\.pb/));

test('random and truncated bytes are refused, nothing else', () => {
  const random = seededRandom(1);
  for (let attempt = 0; attempt < 200; attempt++) {
    refuses(
      Uint8Array.from({ length: 200 }, () => random() * 256),
      /saved_model\.pb|no graph/,
    );
  }
  const whole = smallest();
  for (let length = 0; length < whole.length; length++) {
    refuses(whole.subarray(0, length), /saved_model\.pb|no graph/);
  }
});

test('a graph with another tag is not served', () =>
  refuses(
    changed(({ metaGraphs }) => metaGraphs[0]?.metaInfoDef?.tags.splice(0, 1, 'train')),
    /no graph tagged "serve"/,
  ));

test('a graph without the signature is not served', () =>
  refuses(
    changed(({ metaGraphs: [graph] }) => {
      if (graph) graph.signatureDef = {};
    }),
    /signature "serving_default"/,
  ));

test('of several graphs the one for serving is taken', () => {
  const bytes = changed((model) => {
    model.metaGraphs.unshift(create(MetaGraphDefSchema, { metaInfoDef: { tags: ['train'] } }));
  });
  assert.deepEqual([...decodeSavedModel(bytes).nodes.keys()], ['in']);
});

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

test('the model is where TensorFlow Serving looks for it', async (t) => {
  const directory = path.join(temporaryFolder(t), 'not', 'yet', 'there');
  await storeModel(directory, '42', savedModel);
  const file = path.join(directory, 'image-classifier', '42', 'saved_model.pb');
  assertSameBytes(await readFile(file), savedModel);
});

test('model.tar.gz holds the version folder and the model, nothing else', async (t) => {
  const directory = temporaryFolder(t);
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

  const unpacked = temporaryFolder(t);
  await extract({ file: path.join(directory, 'model.tar.gz'), cwd: unpacked });
  assertSameBytes(
    await readFile(path.join(unpacked, 'image-classifier', '42', 'saved_model.pb')),
    savedModel,
  );
});

test('the same model gives the same archive, wherever and whenever it is stored', async (t) => {
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  await storeModel(one, '42', savedModel);
  await storeModel(two, '42', savedModel);
  await storeModel(two, '42', savedModel);
  const archive = (directory: string) => readFile(path.join(directory, 'model.tar.gz'));
  assertSameBytes(await archive(two), await archive(one));
  const unpacked = gunzipSync(await archive(one));
  for (const header of [0, 512]) {
    const mtime = unpacked.subarray(header + 136, header + 148).filter((byte) => byte > 0x20);
    assert.match(mtime.toString(), /^0*$/, 'no entry carries a time (POSIX.1-1988 ustar header)');
  }
});
