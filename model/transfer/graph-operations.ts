import { attribute, DataType, ExportError, type Graph, type Node } from '../savedmodel/graph.ts';
import type { GraphDefNode } from './graph-def.ts';
import type { Constant } from './graph-reader.ts';
import type { NodeAttributes } from './node-attributes.ts';

/** A node of a TensorFlow.js graph model on its way into one of TensorFlow's own graphs. */
export interface NodeCall {
  readonly graph: Graph;
  readonly node: GraphDefNode;
  /** What the new node is called. */
  readonly name: string;
  readonly attributes: NodeAttributes;
  /** How many inputs there are, control edges aside. */
  readonly inputCount: number;
  /** The new node of an input. */
  readonly input: (index: number) => Node;
  /** @throws ExportError when the input depends on the photo */
  readonly constant: (index: number) => Constant;
}

/** Writes one node as operations of TensorFlow; returns the node of its output. */
export type NodeTranslation = (call: NodeCall) => Node;

const INDICES = { Tidx: attribute.type(DataType.int32) };

const refuse = ({ node }: NodeCall, problem: string) => new ExportError(`${node.name} (${node.op})`, problem);

const inputsOf = ({ inputCount, input }: NodeCall, count = inputCount): Node[] =>
  Array.from({ length: count }, (_, index) => input(index));

const same =
  (op: string, inputs: number): NodeTranslation =>
  (call) =>
    call.graph.float(op, call.name, inputsOf(call, inputs));

const biasAdd = ({ graph }: NodeCall, name: string, x: Node, bias: Node): Node =>
  graph.float('BiasAdd', name, [x, bias], { data_format: attribute.text('NHWC') });

/** TensorFlow's depthwise kernel takes one stride for both directions, and ignores dilations. */
const checkDepthwise = (call: NodeCall): void => {
  const [height, width] = call.attributes.window('strides');
  if (height !== width) throw refuse(call, 'its strides must be equal.');
  if (call.attributes.window('dilations').some((dilation) => dilation !== 1))
    throw refuse(call, 'a dilated depthwise convolution has no counterpart in TensorFlow.');
};

type Convolution = 'Conv2D' | 'DepthwiseConv2dNative';

const writeConvolution = (call: NodeCall, op: Convolution, name: string): Node => {
  if (op === 'DepthwiseConv2dNative') checkDepthwise(call);
  const [height, width] = call.attributes.window('dilations');
  return call.graph.float(op, name, inputsOf(call, 2), {
    ...call.attributes.spatial(),
    dilations: attribute.integers([1, height, width, 1]),
  });
};

const convolution =
  (op: Convolution): NodeTranslation =>
  (call) =>
    writeConvolution(call, op, call.name);

const ACTIVATIONS = new Set(['Relu', 'Relu6', 'Sigmoid']);

/** TensorFlow.js computes convolution, bias and activation in one operation, which only its own runtimes know. */
const fusedConvolution =
  (op: Convolution): NodeTranslation =>
  (call) => {
    const [bias, activation, ...more] = call.attributes.texts('fused_ops');
    const supported = activation === undefined || ACTIVATIONS.has(activation);
    if (bias !== 'BiasAdd' || !supported || more.length > 0) {
      const fused = call.attributes.texts('fused_ops').join(', ');
      throw refuse(
        call,
        `it fuses ${fused}; known are BiasAdd, and ${[...ACTIVATIONS].join(', ')} after it.`,
      );
    }
    const convolved = writeConvolution(call, op, `${call.name}/convolution`);
    if (activation === undefined) return biasAdd(call, call.name, convolved, call.input(2));
    const biased = biasAdd(call, `${call.name}/bias_add`, convolved, call.input(2));
    return call.graph.float(activation, call.name, [biased]);
  };

const pooling =
  (op: 'AvgPool' | 'MaxPool'): NodeTranslation =>
  (call) => {
    const [height, width] = call.attributes.window('ksize');
    return call.graph.float(op, call.name, [call.input(0)], {
      ...call.attributes.spatial(),
      ksize: attribute.integers([1, height, width, 1]),
    });
  };

/** An operation whose last input is a constant of whole numbers, such as axes. */
const withIntegers =
  (op: string, types: 'Tidx' | 'Tpaddings' | 'Tshape', keepsDimensions = false): NodeTranslation =>
  (call) => {
    const { graph, name, attributes } = call;
    const { values, shape } = call.constant(1);
    return graph.float(op, name, [call.input(0), graph.integers(`${name}/${op}`, [...values], shape)], {
      [types]: attribute.type(DataType.int32),
      ...(keepsDimensions && { keep_dims: attribute.boolean(attributes.boolean('keep_dims')) }),
    });
  };

const concatenation: NodeTranslation = (call) => {
  const { graph, name, inputCount } = call;
  const { values } = call.constant(inputCount - 1);
  const axis = graph.integers(`${name}/axis`, [...values], []);
  return graph.float('ConcatV2', name, [...inputsOf(call, inputCount - 1), axis], {
    N: attribute.integer(inputCount - 1),
    ...INDICES,
  });
};

/** With fixed moments a batch normalization is a scale and an offset for each channel. */
const batchNormalization: NodeTranslation = (call) => {
  const { graph, name, attributes } = call;
  if (attributes.boolean('is_training')) throw refuse(call, 'it normalizes by the batch, as while training.');
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => call.constant(index).values);
  const epsilon = attributes.float('epsilon') ?? 1e-4;
  const scale = Float32Array.from(
    gamma ?? [],
    (value, channel) => value / Math.sqrt((variance?.[channel] ?? 0) + epsilon),
  );
  const offset = Float32Array.from(
    beta ?? [],
    (value, channel) => value - (mean?.[channel] ?? 0) * (scale[channel] ?? 0),
  );
  const channels = [scale.length];
  const scaled = graph.float('Mul', `${name}/scaled`, [
    call.input(0),
    graph.weights(`${name}/scale`, scale, channels),
  ]);
  return graph.float('AddV2', name, [scaled, graph.weights(`${name}/offset`, offset, channels)]);
};

/** How each operation of a graph model becomes operations of TensorFlow. One that is not here cannot be exported. */
export const graphOperations: ReadonlyMap<string, NodeTranslation> = new Map(
  Object.entries({
    Conv2D: convolution('Conv2D'),
    DepthwiseConv2dNative: convolution('DepthwiseConv2dNative'),
    _FusedConv2D: fusedConvolution('Conv2D'),
    FusedDepthwiseConv2dNative: fusedConvolution('DepthwiseConv2dNative'),
    BiasAdd: (call) => biasAdd(call, call.name, call.input(0), call.input(1)),
    FusedBatchNorm: batchNormalization,
    FusedBatchNormV2: batchNormalization,
    FusedBatchNormV3: batchNormalization,
    Add: same('AddV2', 2),
    AddV2: same('AddV2', 2),
    Sub: same('Sub', 2),
    Mul: same('Mul', 2),
    RealDiv: same('RealDiv', 2),
    Relu: same('Relu', 1),
    Relu6: same('Relu6', 1),
    Sigmoid: same('Sigmoid', 1),
    AvgPool: pooling('AvgPool'),
    MaxPool: pooling('MaxPool'),
    Mean: withIntegers('Mean', 'Tidx', true),
    Pad: withIntegers('Pad', 'Tpaddings'),
    Reshape: withIntegers('Reshape', 'Tshape'),
    ConcatV2: concatenation,
  } satisfies Record<string, NodeTranslation>),
);
