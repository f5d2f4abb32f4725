import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { seededRandom } from '../random.ts';
import { DataType } from './data-types.ts';
import { decodeSavedModel } from './decode.ts';
import { encodeSavedModel } from './encode.ts';
import { SavedModelError } from './errors.ts';
import { Graph } from './graph.ts';
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
  assert.throws(
    () => decodeSavedModel(bytes),
    (error) => {
      assert.ok(error instanceof SavedModelError, String(error));
      assert.match(error.message, message);
      return true;
    },
  );

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

test('bytes that are no message are refused as such', () =>
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
