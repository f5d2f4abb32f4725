import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { assertClose } from '../shared/test-pictures.ts';
import type { DecodedModel } from './file.ts';
import { attribute, DataType, Graph, type Node, SavedModelError, type WeightPrecision } from './graph.ts';
import { NodeDefSchema, SignatureDefSchema } from './proto/tensorflow_pb.ts';
import { GraphRunner, InvalidArgumentError } from './run.ts';
import { numbersIn, textsIn } from './test-networks.ts';

before(() => loadBackend({ native: false }));

/** A graph of one input `in`, bytes that become float32 `[N, L]`, and one output. */
const modelOf = (
  build: (graph: Graph, x: Node) => Node,
  precision: WeightPrecision = 'float',
): DecodedModel => {
  const graph = new Graph(precision);
  const bytes = graph.placeholder('bytes', DataType.string, [null]);
  const raw = graph.add('DecodeRaw', 'raw', [bytes], { out_type: attribute.type(DataType.uint8) });
  const output = build(graph, graph.cast('x', raw, DataType.uint8, DataType.float));
  const nodes = graph.nodes.map((node) => create(NodeDefSchema, node));
  return {
    nodes: new Map(nodes.map((node) => [node.name, node])),
    signature: create(SignatureDefSchema, {
      inputs: { in: { name: 'bytes:0' } },
      outputs: { out: { name: `${output}:0` } },
    }),
  };
};

const INPUT = new Map([['in', { shape: [2], values: [Uint8Array.of(1, 2), Uint8Array.of(3, 255)] }]]);

const runnerOf = (build: (graph: Graph, x: Node) => Node) => new GraphRunner(modelOf(build));
const outputOf = async (runner: GraphRunner) => (await runner.run(INPUT)).get('out');

/** Graphs, and what they answer. */
const ANSWERS: Readonly<Record<string, readonly [(graph: Graph, x: Node) => Node, number[], number[]]>> = {
  'bytes become numbers from 0 to 255': [(_, x) => x, [2, 2], [1, 2, 3, 255]],
  'constants are cast, multiplied, added and reduced': [
    (graph, x) => {
      const scaled = graph.float('Mul', 'scaled', [x, graph.weights('two', Float32Array.of(2, 4), [2])]);
      return graph.mean('mean', graph.float('AddV2', 'sum', [scaled, graph.scalar('half', 0.5)]), [1]);
    },
    [2],
    [5.5, 513.5],
  ],
};

for (const [name, [build, shape, numbers]] of Object.entries(ANSWERS))
  test(`${name}; repeatedly, leaving nothing in memory`, async () => {
    const runner = runnerOf(build);
    const { numTensors } = tf.memory();
    for (let round = 0; round < 2; round++) {
      const output = await outputOf(runner);
      assert.deepEqual(output?.shape, shape);
      assertClose(numbersIn(output), numbers, 1e-4);
    }
    assert.equal(tf.memory().numTensors, numTensors);
    runner.dispose();
  });

test('a refused input leaves nothing in memory; a missing one is named', async () => {
  const runner = runnerOf((graph, x) => graph.reshape('square', x, [-1, 3]));
  const { numTensors } = tf.memory();
  await assert.rejects(runner.run(INPUT), InvalidArgumentError);
  await assert.rejects(runner.run(new Map()), {
    name: InvalidArgumentError.name,
    message: /input in is missing/,
  });
  assert.equal(tf.memory().numTensors, numTensors);
});

/** What is refused when the model is loaded, and in which words. */
const REFUSED: readonly (readonly [message: RegExp, build: (graph: Graph, x: Node) => Node])[] = [
  [
    /Node waves: the operation FFT2D is not supported; supported are .*Conv2D/,
    (graph, x) => graph.float('Relu', 'after', [graph.float('FFT2D', 'waves', [x])]),
  ],
  [/no node ghost/, (graph) => graph.float('Relu', 'after', ['ghost'])],
  [
    /cycle through the node egg/,
    (graph, x) => graph.float('AddV2', 'egg', [x, graph.float('Relu', 'hen', ['egg'])]),
  ],
  [/edge x:1 is not supported/, (graph, x) => graph.float('Relu', 'after', [`${x}:1`])],
  [/edge \^bytes is not supported/, (graph, x) => graph.float('Relu', 'after', [x, '^bytes'])],
  [
    /Node long: constants of type DT_INT64 are not supported/,
    (graph) => {
      const value = attribute.tensor({ dtype: DataType.int64, tensorShape: {} });
      return graph.float('Relu', 'after', [graph.add('Const', 'long', [], { value })]);
    },
  ],
];

for (const [message, build] of REFUSED)
  test(`a graph is refused when it is loaded: ${message.source}`, () => {
    assert.throws(() => runnerOf(build), { name: SavedModelError.name, message });
  });

test('an output that is a constant, or the input itself, can be computed repeatedly', async () => {
  const runner = runnerOf((graph) => graph.strings('names', ['a', 'b']));
  const same = runnerOf(() => 'bytes');
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(textsIn(await outputOf(runner)), ['a', 'b']);
    assert.deepEqual(await outputOf(same), { shape: [2], strings: INPUT.get('in')?.values });
  }
});

test('weights that are stored as halves are restored once, when the model is loaded', async () => {
  const runner = new GraphRunner(
    modelOf((graph, x) => {
      const third = graph.weights('third', Float32Array.of(1 / 3, 2 ** -24), [2]);
      return graph.float('Mul', 'product', [x, third]);
    }, 'half'),
  );
  const profile = await tf.profile(async () => {
    assert.deepEqual(numbersIn(await outputOf(runner)), [
      0x555 / 2 ** 12,
      2 ** -23,
      (3 * 0x555) / 2 ** 12,
      Math.fround(255 * 2 ** -24),
    ]);
  });
  assert.equal(profile.kernelNames.filter((name) => name === 'Cast').length, 1);
});

const CONVOLUTION = {
  strides: attribute.integers([1, 1, 1, 1]),
  dilations: attribute.integers([1, 1, 1, 1]),
  padding: attribute.text('SAME'),
  data_format: attribute.text('NHWC'),
};

for (const [what, readAgain, operation, expected] of [
  ['are run as one operation', undefined, 'FusedConv2D', [1.5, 6, 2, 6, 2.5, 6, 6, 0]],
  [
    ...(['stay apart where the convolution is read again', 'convolution', 'Conv2D'] as const),
    [2, 5, 3, 4, 4, 3, 133.5, -255],
  ],
  [
    ...(['stay apart where the sum is read again', 'biased', 'Relu6'] as const),
    [3, 14, 4, 13, 5, 12, 134.5, -246],
  ],
] as const)
  test(`a convolution, its bias and its activation ${what}`, async () => {
    const runner = runnerOf((graph, x) => {
      const picture = graph.reshape('picture', x, [-1, 1, 2, 1]);
      const kernel = graph.weights('kernel', Float32Array.of(0.5, -1), [1, 1, 1, 2]);
      const convolution = graph.float('Conv2D', 'convolution', [picture, kernel], CONVOLUTION);
      const bias = graph.weights('bias', Float32Array.of(1, 9), [2]);
      const biased = graph.float('BiasAdd', 'biased', [convolution, bias], {
        data_format: attribute.text('NHWC'),
      });
      const active = graph.float('Relu6', 'active', [biased]);
      return readAgain === undefined ? active : graph.float('AddV2', 'again', [active, readAgain]);
    });
    const outputs: (readonly number[])[] = [];
    const { kernelNames } = await tf.profile(async () => {
      outputs.push(numbersIn(await outputOf(runner)));
    });
    assert.ok(kernelNames.includes(operation), kernelNames.join());
    assertClose(outputs[0] ?? [], expected, 1e-4);
  });
