import type { Graph, Node } from '../savedmodel/graph.ts';
import { attribute, DataType, ExportError } from '../savedmodel/graph.ts';
import { type Constant, type GraphReader, spatialOf, stringListAttribute, windowOf } from './graph-reader.ts';
import type { GraphDefNode } from './model-files.ts';

/** A node of a TensorFlow.js graph model that is being translated to a TensorFlow graph. */
interface NodeCall {
  readonly graph: Graph;
  readonly node: GraphDefNode;
  /** The new node's name. */
  readonly name: string;
  /** Number of inputs, without control edges. */
  readonly inputCount: number;
  readonly input: (index: number) => Node;
  /** @throws ExportError if the input depends on the photo */
  readonly constant: (index: number) => Constant;
}

/** Writes a node as TensorFlow operations, and returns its output node. */
type NodeTranslation = (call: NodeCall) => Node;

const window = (node: GraphDefNode, name: string) => attribute.integers([1, ...windowOf(node, name), 1]);

const refuse = ({ node }: NodeCall, problem: string) => new ExportError(`${node.name} (${node.op})`, problem);

const inputsOf = ({ inputCount, input }: NodeCall, count = inputCount): Node[] =>
  Array.from({ length: count }, (_, index) => input(index));

const same =
  (op: string, inputs: number): NodeTranslation =>
  (call) =>
    call.graph.float(op, call.name, inputsOf(call, inputs));

const biasAdd = ({ graph }: NodeCall, name: string, x: Node, bias: Node): Node =>
  graph.float('BiasAdd', name, [x, bias], { data_format: attribute.text('NHWC') });

/** TensorFlow's depthwise kernel uses one stride for both directions, and ignores dilations. */
const checkDepthwise = (call: NodeCall): void => {
  const [height, width] = windowOf(call.node, 'strides');
  if (height !== width) throw refuse(call, 'its strides must be equal.');
  if (windowOf(call.node, 'dilations').some((dilation) => dilation !== 1))
    throw refuse(call, 'a dilated depthwise convolution has no counterpart in TensorFlow.');
};

const FUSED = [undefined, 'Relu', 'Relu6', 'Sigmoid'];

/** TensorFlow.js may fuse convolution, bias and activation into one operation that only its own runtimes support. */
const convolution =
  (op: 'Conv2D' | 'DepthwiseConv2dNative', isFused: boolean): NodeTranslation =>
  (call) => {
    const { graph, name, node } = call;
    if (op === 'DepthwiseConv2dNative') checkDepthwise(call);
    const convolved = graph.float(op, isFused ? `${name}/convolution` : name, inputsOf(call, 2), {
      ...spatialOf(node),
      dilations: window(node, 'dilations'),
    });
    if (!isFused) return convolved;
    const fused = stringListAttribute(node, 'fused_ops');
    const [bias, activation] = fused;
    if (bias !== 'BiasAdd' || fused.length > 2 || !FUSED.includes(activation))
      throw refuse(
        call,
        `it fuses ${fused.join(', ')}; known are BiasAdd, and ${FUSED.slice(1).join(', ')} after it.`,
      );
    const biased = biasAdd(call, activation ? `${name}/bias_add` : name, convolved, call.input(2));
    return activation ? graph.float(activation, name, [biased]) : biased;
  };

const pooling =
  (op: string): NodeTranslation =>
  ({ graph, name, node, input }) =>
    graph.float(op, name, [input(0)], { ...spatialOf(node), ksize: window(node, 'ksize') });

/** An operation whose last input is an integer constant, such as axes. */
const withIntegers =
  (op: string, types: 'Tidx' | 'Tpaddings' | 'Tshape', keepsDimensions = false): NodeTranslation =>
  (call) => {
    const { graph, name, node } = call;
    const { values, shape } = call.constant(1);
    return graph.float(op, name, [call.input(0), graph.integers(`${name}/${op}`, [...values], shape)], {
      [types]: attribute.type(DataType.int32),
      ...(keepsDimensions && { keep_dims: attribute.boolean(node.attr['keep_dims']?.b ?? false) }),
    });
  };

const concatenation: NodeTranslation = (call) => {
  const { graph, name, inputCount } = call;
  const { values } = call.constant(inputCount - 1);
  const axis = graph.integers(`${name}/axis`, [...values], []);
  return graph.float('ConcatV2', name, [...inputsOf(call, inputCount - 1), axis], {
    N: attribute.integer(inputCount - 1),
    Tidx: attribute.type(DataType.int32),
  });
};

/** With fixed moments, a batch normalization is a scale and an offset for each channel. */
const batchNormalization: NodeTranslation = (call) => {
  const { graph, name, node } = call;
  if (node.attr['is_training']?.b) throw refuse(call, 'it normalizes by the batch, as in training.');
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => call.constant(index).values);
  const at = (values: Constant['values'] | undefined, channel: number) => values?.[channel] ?? Number.NaN;
  const epsilon = node.attr['epsilon']?.f ?? 1e-4;
  const scale = Float32Array.from(
    gamma ?? [],
    (value, channel) => value / Math.sqrt(at(variance, channel) + epsilon),
  );
  const offset = scale.map((value, channel) => at(beta, channel) - at(mean, channel) * value);
  return graph.scaleAndShift(name, call.input(0), scale, offset);
};

const each = (ops: string, translation: (op: string) => NodeTranslation) =>
  ops.split(' ').map((op) => [op, translation(op)] as const);

/** Translations of a graph model's operations. Other operations cannot be exported. */
const graphOperations: ReadonlyMap<string, NodeTranslation> = new Map<string, NodeTranslation>([
  ['Conv2D', convolution('Conv2D', false)],
  ['DepthwiseConv2dNative', convolution('DepthwiseConv2dNative', false)],
  ['_FusedConv2D', convolution('Conv2D', true)],
  ['FusedDepthwiseConv2dNative', convolution('DepthwiseConv2dNative', true)],
  ['BiasAdd', (call) => biasAdd(call, call.name, call.input(0), call.input(1))],
  ...each('FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3', () => batchNormalization),
  ['Add', same('AddV2', 2)],
  ...each('AddV2 Sub Mul RealDiv', (op) => same(op, 2)),
  ...each('Relu Relu6 Sigmoid', (op) => same(op, 1)),
  ...each('AvgPool MaxPool', pooling),
  ['Mean', withIntegers('Mean', 'Tidx', true)],
  ['Pad', withIntegers('Pad', 'Tpaddings')],
  ['Reshape', withIntegers('Reshape', 'Tshape')],
  ['ConcatV2', concatenation],
]);

/** Prefix that distinguishes the backbone's names from those of the graph around it. */
const PREFIX = 'backbone';

/**
 * Translates a TensorFlow.js graph model to a TensorFlow graph, node by node, from some end nodes back to the photos.
 *
 * @param ends the nodes to compute
 * @param start the node that `photos` replaces
 * @returns the new nodes of `ends`
 * @throws ExportError that names the node, for an operation, or a setting of one, without an exact counterpart
 */
export const translateGraph = (
  graph: Graph,
  reader: GraphReader,
  ends: readonly GraphDefNode[],
  start: GraphDefNode,
  photos: Node,
): Node[] => {
  const written = new Map([[start.name, photos]]);

  const write = (node: GraphDefNode): Node => {
    const done = written.get(node.name);
    if (done !== undefined) return done;
    const name = `${PREFIX}/${node.name}`;
    const result = node.op === 'Const' ? writeConstant(name, node) : translate(name, node);
    written.set(node.name, result);
    return result;
  };

  /** Numbers such as a divisor stay exact; they take little space. */
  const writeConstant = (name: string, node: GraphDefNode): Node => {
    const constant = reader.constant(node.name);
    if (!constant) throw new ExportError(node.name, 'its value is not among the weights.');
    const { values, shape } = constant;
    const [number] = values;
    return shape.length === 0 && number !== undefined
      ? graph.scalar(name, number)
      : graph.weights(name, Float32Array.from(values), shape);
  };

  const translate = (name: string, node: GraphDefNode): Node => {
    const operation = graphOperations.get(node.op);
    if (!operation) {
      const known = [...graphOperations.keys()].join(', ');
      throw new ExportError(
        node.name,
        `its operation ${node.op} is not supported; use a network of ${known}.`,
      );
    }
    const inputs = reader.inputs(node);
    return operation({
      ...{ graph, node, name },
      inputCount: inputs.length,
      input: (index) => {
        const producer = reader.producer(inputs[index] ?? '');
        if (producer) return write(producer);
        throw new ExportError(node.name, `its input ${index} is not in the model.`);
      },
      constant: (index) => {
        const constant = reader.constant(inputs[index]);
        if (constant) return constant;
        throw new ExportError(`${node.name} (${node.op})`, `its input ${index} must be constant.`);
      },
    });
  };

  return ends.map(write);
};
