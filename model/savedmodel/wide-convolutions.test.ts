import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadBackend } from '../backend/backend.ts';
import { decodeSavedModel, encodeSavedModel } from './file.ts';
import { attribute, DataType, Graph, type WeightPrecision } from './graph.ts';
import { GraphRunner } from './run.ts';

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
  test(`${filters} filters in ${precision} precision take ${convolutions} convolutions, and compute the same`, async () => {
    const graph = new Graph(precision);
    const bytes = graph.placeholder('bytes', DataType.string, [null]);
    const raw = graph.add('DecodeRaw', 'raw', [bytes], { out_type: attribute.type(DataType.uint8) });
    const photo = graph.reshape('photo', graph.cast('x', raw, DataType.uint8, DataType.float), [-1, 1, 1, 2]);
    const values = Float32Array.from({ length: 2 * filters }, (_, at) => (at % 64) / 64);
    const kernel = graph.weights('kernel', values, [1, 1, 2, filters]);
    const convolution = graph.float('Conv2D', 'convolution', [photo, kernel], POINTWISE);
    const inputs = { in: { node: bytes, dtype: DataType.string, shape: [null] } };
    const outputs = { out: { node: convolution, dtype: DataType.float, shape: [null, 1, 1, filters] } };
    const model = decodeSavedModel(encodeSavedModel({ graph, inputs, outputs }));
    const ops = [...model.nodes.values()].map(({ op }) => op);
    assert.equal(ops.filter((op) => op === 'Conv2D').length, convolutions);
    const answer = await new GraphRunner(model).run(
      new Map([['in', { shape: [1], values: [Uint8Array.of(3, 5)] }]]),
    );
    const found = answer.get('out');
    const expected = Array.from(
      { length: filters },
      (_, at) => 3 * (values[at] ?? 0) + 5 * (values[filters + at] ?? 0),
    );
    assert.deepEqual(found && 'numbers' in found ? [...found.numbers] : [], expected);
  });
