import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { extract, list } from 'tar';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { seededRandom } from '../shared/random.ts';
import { assertSameBytes, noise } from '../shared/test-pictures.ts';
import { decodeSavedModel, encodeSavedModel, storeModel } from './file.ts';
import { DataType, Graph, SavedModelError } from './graph.ts';
import { type SavedModel, SavedModelSchema } from './proto/tensorflow_pb.ts';

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

test('an encoded graph is decoded: nodes by name, and the signature', () => {
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

test('random, truncated and other bytes are refused, nothing else', () => {
  const random = seededRandom(1);
  const whole = smallest();
  for (const bytes of [
    new TextEncoder().encode('<html>not found</html>'),
    ...Array.from({ length: 200 }, () => Uint8Array.from({ length: 200 }, () => random() * 256)),
    ...Array.from(whole, (_, length) => whole.subarray(0, length)),
  ])
    refuses(bytes, /not a saved_model\.pb|no graph tagged "serve"/);
});

test('a graph with another tag, or without the signature, is not served', () => {
  refuses(
    changed(({ metaGraphs }) => metaGraphs[0]?.metaInfoDef?.tags.splice(0, 1, 'train')),
    /no graph tagged "serve"/,
  );
  refuses(
    changed(({ metaGraphs: [graph] }) => {
      if (graph) graph.signatureDef = {};
    }),
    /signature "serving_default"/,
  );
});

const savedModel = noise(1, 5000);

test('the model is where TensorFlow Serving looks for it; model.tar.gz holds its newest version, nothing else', async (t) => {
  const directory = path.join(temporaryFolder(t), 'not', 'yet', 'there');
  const file = path.join('image-classifier', '42', 'saved_model.pb');
  await storeModel(directory, '41', noise(2, 100));
  await storeModel(directory, '42', savedModel);
  assertSameBytes(await readFile(path.join(directory, file)), savedModel);

  const archive = path.join(directory, 'model.tar.gz');
  const entries: string[] = [];
  await list({ file: archive, onReadEntry: (entry) => void entries.push(entry.path) });
  assert.deepEqual(entries, ['image-classifier/42/', 'image-classifier/42/saved_model.pb']);
  const unpacked = temporaryFolder(t);
  await extract({ file: archive, cwd: unpacked });
  assertSameBytes(await readFile(path.join(unpacked, file)), savedModel);
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
