import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { decodeSavedModel, encodeSavedModel } from './file.ts';
import { attribute, DataType, Graph, type Node, type WeightPrecision } from './graph.ts';
import { toGraphModel } from './run.ts';

before(() => loadBackend({ native: false }));

const POINTWISE = {
  strides: attribute.integers([1, 1, 1, 1]),
  padding: attribute.text('SAME'),
  data_format: attribute.text('NHWC'),
  dilations: attribute.integers([1, 1, 1, 1]),
};

for (const [precision, filters, convolutions] of [
  ['half', 1030, 3],
  ['float', 1024, 2],
  ['half', 512, 1],
] as const satisfies readonly (readonly [WeightPrecision, number, number])[])
  test(`${filters} filters in ${precision} precision take ${convolutions} convolutions, and compute the same`, () => {
    const graph = new Graph(precision);
    const photo = graph.placeholder('photo', DataType.float, [null, 1, 1, 2]);
    const values = Float32Array.from({ length: 2 * filters }, (_, at) => (at % 64) / 64);
    const kernel = graph.weights('kernel', values, [1, 1, 2, filters]);
    const convolution = graph.float('Conv2D', 'convolution', [photo, kernel], POINTWISE);
    const tensor = (node: Node) => ({ node, dtype: DataType.float, shape: [null] });
    const [inputs, outputs] = [{ in: tensor(photo) }, { out: tensor(convolution) }];
    const model = decodeSavedModel(encodeSavedModel({ graph, inputs, outputs }));
    const ops = [...model.nodes.values()].map(({ op }) => op);
    assert.equal(ops.filter((op) => op === 'Conv2D').length, convolutions);
    const given = tf.tensor4d([3, 5], [1, 1, 1, 2]);
    const [found] = [toGraphModel(model).execute({ photo: given }, convolution)].flat();
    const expected = Array.from(
      { length: filters },
      (_, at) => 3 * (values[at] ?? 0) + 5 * (values[filters + at] ?? 0),
    );
    assert.deepEqual([...(found?.dataSync() ?? [])], expected);
  });
