import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { assertClose } from '../shared/test-pictures.ts';
import type { DecodedModel } from './file.ts';
import { attribute, DataType, Graph, type Node, SavedModelError } from './graph.ts';
import { type NodeDef, NodeDefSchema, SignatureDefSchema } from './proto/tensorflow_pb.ts';
import { GraphRunner, InvalidArgumentError } from './run.ts';
import { numbersIn } from './test-networks.ts';

before(() => loadBackend({ native: false }));

/** A graph of one input `in`, bytes that become float32 `[N, L]`, and one output. */
const modelOf = (build: (graph: Graph, x: Node) => Node): DecodedModel => {
  const graph = new Graph();
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

const result = async (build: (graph: Graph, x: Node) => Node) => {
  const output = (await new GraphRunner(modelOf(build)).run(INPUT)).get('out');
  assert.ok(output && 'numbers' in output);
  return output;
};

const refusesToLoad = (build: (graph: Graph, x: Node) => Node, message: RegExp) =>
  assert.throws(() => new GraphRunner(modelOf(build)), { name: SavedModelError.name, message });

test('bytes become numbers from 0 to 255', async () => {
  const { shape, numbers } = await result((_, x) => x);
  assert.deepEqual(shape, [2, 2]);
  assert.deepEqual(numbers, [1, 2, 3, 255]);
});

test('constants are cast, multiplied, added and reduced', async () => {
  const { shape, numbers } = await result((graph, x) => {
    const scaled = graph.float('Mul', 'scaled', [x, graph.weights('two', Float32Array.of(2, 4), [2])]);
    const sum = graph.float('AddV2', 'sum', [scaled, graph.scalar('half', 0.5)]);
    return graph.mean('mean', sum, [1]);
  });
  assert.deepEqual(shape, [2]);
  assertClose(numbers, [5.5, 513.5], 1e-4);
});

test('an output that depends on no input is computed too', async () => {
  const { numbers } = await result((graph) =>
    graph.float('Relu', 'positive', [graph.weights('w', Float32Array.of(-1, 2), [2])]),
  );
  assert.deepEqual(numbers, [0, 2]);
});

test('the same runner answers again and again, and leaves nothing in memory', async () => {
  const runner = new GraphRunner(
    modelOf((graph, x) => graph.float('AddV2', 'sum', [x, graph.scalar('one', 1)])),
  );
  const { numTensors } = tf.memory();
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(numbersIn((await runner.run(INPUT)).get('out')), [2, 3, 4, 256]);
  }
  assert.equal(tf.memory().numTensors, numTensors);
  runner.dispose();
  assert.ok(tf.memory().numTensors < numTensors, 'the constants are gone');
});

test('a deep network takes no more memory than a shallow one', async () => {
  const peak = async (layers: number) => {
    const runner = new GraphRunner(
      modelOf((graph, x) =>
        Array.from({ length: layers }).reduce<Node>(
          (y, _, layer) => graph.float('Relu', `relu_${layer}`, [y]),
          x,
        ),
      ),
    );
    const values = [new Uint8Array(1000), new Uint8Array(1000)];
    const profile = await tf.profile(async () => {
      await runner.run(new Map([['in', { shape: [2], values }]]));
    });
    assert.equal(profile.newTensors, 0);
    return profile.peakBytes;
  };
  assert.equal(await peak(20), await peak(2));
});

test('a value is kept until its last reader has had it', async () => {
  const { numbers } = await result((graph, x) => {
    const early = graph.float('AddV2', 'early', [x, graph.scalar('one', 1)]);
    const late = graph.float('Relu', 'late', [graph.float('Sub', 'difference', [early, x])]);
    return graph.float('AddV2', 'sum', [graph.float('Mul', 'product', [late, early]), early]);
  });
  assert.deepEqual(numbers, [4, 6, 8, 512]);
});

test('a refused input leaves nothing in memory', async () => {
  const runner = new GraphRunner(modelOf((graph, x) => graph.reshape('square', x, [-1, 3])));
  const { numTensors } = tf.memory();
  await assert.rejects(runner.run(INPUT), InvalidArgumentError);
  assert.equal(tf.memory().numTensors, numTensors);
});

test('an operation that is not known is named when the model is loaded', () =>
  refusesToLoad(
    (graph, x) => graph.float('Relu', 'after', [graph.float('FFT2D', 'waves', [x])]),
    /Node waves: the operation FFT2D is not supported; known are .*Conv2D/,
  ));

test('a node that is not there is named when the model is loaded', () =>
  refusesToLoad((graph) => graph.float('Relu', 'after', ['ghost']), /no node ghost/));

test('a graph that goes round in a circle is refused', () =>
  refusesToLoad(
    (graph, x) => graph.float('AddV2', 'egg', [x, graph.float('Relu', 'hen', ['egg'])]),
    /circle through the node egg/,
  ));

test('second outputs and control edges are refused', () => {
  refusesToLoad((graph, x) => graph.float('Relu', 'after', [`${x}:1`]), /edge x:1 is not supported/);
  refusesToLoad((graph, x) => graph.float('Relu', 'after', [x, '^bytes']), /edge \^bytes is not supported/);
});

test('an operation on the wrong kind of input is named', async () => {
  const runner = new GraphRunner(modelOf((graph) => graph.float('Relu', 'rectified', ['bytes'])));
  await assert.rejects(runner.run(INPUT), /'relu' must be numeric/);
});

test('a constant of a type that is not known is named with its type', () =>
  refusesToLoad((graph) => {
    const value = attribute.tensor({ dtype: DataType.int64, tensorShape: {} });
    return graph.float('Relu', 'after', [graph.add('Const', 'long', [], { value })]);
  }, /Node long: constants of type DT_INT64 are not supported/));

test('an output that is a constant, or the input itself, is answered again and again', async () => {
  const runner = new GraphRunner(modelOf((graph) => graph.strings('names', ['a', 'b'])));
  const same = new GraphRunner(modelOf(() => 'bytes'));
  for (let round = 0; round < 2; round++) {
    const output = (await runner.run(INPUT)).get('out');
    assert.deepEqual(output, { shape: [2], strings: [Uint8Array.of(97), Uint8Array.of(98)] });
    const photos = (await same.run(INPUT)).get('out');
    assert.deepEqual(photos, { shape: [2], strings: INPUT.get('in')?.values });
  }
});

test('weights that are stored as halves are restored once, when the model is loaded', async () => {
  const halves = modelOf((_, x) => x);
  const graph = new Graph('half');
  const bytes = graph.placeholder('bytes', DataType.string, [null]);
  const third = graph.weights('third', Float32Array.of(1 / 3, 2 ** -24), [2]);
  const raw = graph.add('DecodeRaw', 'raw', [bytes], { out_type: attribute.type(DataType.uint8) });
  graph.float('Mul', 'x', [graph.cast('float', raw, DataType.uint8, DataType.float), third]);
  const nodes = graph.nodes.map((node) => create(NodeDefSchema, node));
  const runner = new GraphRunner({ ...halves, nodes: new Map(nodes.map((node) => [node.name, node])) });
  const profile = await tf.profile(async () => {
    assert.deepEqual(numbersIn((await runner.run(INPUT)).get('out')), [
      0x555 / 2 ** 12,
      2 ** -23,
      (3 * 0x555) / 2 ** 12,
      Math.fround(255 * 2 ** -24),
    ]);
  });
  assert.equal(profile.kernelNames.filter((name) => name === 'Cast').length, 1);
});

test('an input that is missing is named', () =>
  assert.rejects(new GraphRunner(modelOf((_, x) => x)).run(new Map()), {
    name: InvalidArgumentError.name,
    message: /input in is missing/,
  }));

test('loading looks at each node a few times only, however many ways lead to it', () => {
  const model = modelOf((graph, x) =>
    Array.from({ length: 14 }).reduce<Node>((y, _, index) => graph.float('AddV2', `sum_${index}`, [y, y]), x),
  );
  let looks = 0;
  class CountingMap extends Map<string, NodeDef> {
    override get(name: string): NodeDef | undefined {
      looks += 1;
      return super.get(name);
    }
  }
  new GraphRunner({ ...model, nodes: new CountingMap(model.nodes) });
  assert.ok(looks <= 5 * model.nodes.size, `${looks} looks at ${model.nodes.size} nodes`);
});

const CONVOLUTION = {
  strides: attribute.integers([1, 1, 1, 1]),
  dilations: attribute.integers([1, 1, 1, 1]),
  padding: attribute.text('SAME'),
  data_format: attribute.text('NHWC'),
};

for (const [what, readAgain, operation] of [
  ['are run as one operation', undefined, 'FusedConv2D'],
  ['stay apart where the convolution is read again', 'convolution', 'Conv2D'],
  ['stay apart where the sum is read again', 'biased', 'Relu6'],
] as const)
  test(`a convolution, its bias and its activation ${what}`, async () => {
    const runner = new GraphRunner(
      modelOf((graph, x) => {
        const picture = graph.reshape('picture', x, [-1, 1, 2, 1]);
        const kernel = graph.weights('kernel', Float32Array.of(0.5, -1), [1, 1, 1, 2]);
        const convolution = graph.float('Conv2D', 'convolution', [picture, kernel], CONVOLUTION);
        const bias = graph.weights('bias', Float32Array.of(1, 9), [2]);
        const biased = graph.float('BiasAdd', 'biased', [convolution, bias], {
          data_format: attribute.text('NHWC'),
        });
        const active = graph.float('Relu6', 'active', [biased]);
        return readAgain === undefined ? active : graph.float('AddV2', 'again', [active, readAgain]);
      }),
    );
    const outputs: (readonly number[])[] = [];
    const { kernelNames } = await tf.profile(async () => {
      outputs.push(numbersIn((await runner.run(INPUT)).get('out')));
    });
    assert.ok(kernelNames.includes(operation), kernelNames.join());
    const alone = [1.5, 6, 2, 6, 2.5, 6, 6, 0];
    const again = {
      convolution: [0.5, -1, 1, -2, 1.5, -3, 127.5, -255],
      biased: [1.5, 8, 2, 7, 2.5, 6, 128.5, -246],
    };
    const added =
      readAgain === undefined ? alone : alone.map((value, at) => value + (again[readAgain][at] ?? 0));
    assertClose(outputs[0] ?? [], added, 1e-4);
  });
