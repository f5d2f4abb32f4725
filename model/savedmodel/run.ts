import { create, toJson } from '@bufbuild/protobuf';
import { type GraphModel, loadGraphModelSync, registerOp } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { DecodedModel } from './file.ts';
import { attribute, DataType, dataTypeName, type Graph, type Node, SavedModelError } from './graph.ts';
import { type NodeDef, NodeDefSchema, type TensorProto } from './proto/tensorflow_pb.ts';

/** A tensor of byte strings, for which TensorFlow.js has no operations. */
export interface Strings {
  readonly shape: readonly number[];
  readonly values: readonly Uint8Array[];
}

/** An output, read back from the backend. */
export type Output =
  | { readonly shape: readonly number[]; readonly numbers: readonly number[] }
  | { readonly shape: readonly number[]; readonly strings: readonly Uint8Array[] };

/** The caller's fault: TensorFlow's INVALID_ARGUMENT, which TensorFlow Serving answers with 400. */
export class InvalidArgumentError extends Error {
  override readonly name = 'InvalidArgumentError';
}

const stringsOf = ({ dataId, shape }: tf.Tensor): Strings => {
  // `dataSync` would read photos as UTF-8.
  const values = tf.engine().readSync(dataId);
  if (!Array.isArray(values)) throw new SavedModelError('An operation on strings received numbers.');
  return { shape, values };
};

const stringTensor = ({ shape, values }: Strings): tf.Tensor => tf.tensor([...values], [...shape], 'string');

/** Decodes strings to uint8: each becomes a row of numbers from 0 to 255. All must have the same length. */
const decodeRaw = ({ shape, values }: Strings): tf.Tensor => {
  const length = values[0]?.byteLength;
  // The WebAssembly kernels would divide by zero.
  if (!length) throw new InvalidArgumentError('The batch is empty: there is nothing to decode');
  const numbers = new Int32Array(values.length * length);
  values.forEach((value, index) => {
    if (value.byteLength !== length) {
      throw new InvalidArgumentError(
        `DecodeRaw requires input strings to all be the same size, but element ${index} has size ${value.byteLength} != ${length}`,
      );
    }
    numbers.set(value, index * length);
  });
  return tf.tensor(numbers, [...shape, length], 'int32');
};

/** Repeats `[C]` along a new first dimension, or `[1]` along its only dimension. */
const broadcastStrings = ({ values }: Strings, shape: readonly number[]): tf.Tensor => {
  const count = tf.util.sizeFromShape([...shape]);
  const repeated = Array.from(
    { length: count },
    (_, index) => values[index % values.length] ?? new Uint8Array(),
  );
  return stringTensor({ shape, values: repeated });
};

const reshape = (x: tf.Tensor, shape: number[]): tf.Tensor => {
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (x.size % known !== 0 || (x.size !== known && !shape.includes(-1))) {
    throw new InvalidArgumentError(
      `Input to reshape is a tensor with ${x.size} values, but the requested shape requires a multiple of ${known}`,
    );
  }
  return tf.reshape(x, shape);
};

/** Operations that the executor lacks: those on strings, and those that report invalid requests with TensorFlow's messages. */
const OUR_OPERATIONS: Readonly<Record<string, (x: tf.Tensor, parameter: tf.Tensor) => tf.Tensor>> = {
  DecodeRaw: (strings) => decodeRaw(stringsOf(strings)),
  Reshape: (x, shape) => reshape(x, [...shape.dataSync()]),
  'BroadcastTo of strings': (strings, shape) => broadcastStrings(stringsOf(strings), [...shape.dataSync()]),
  'GatherV2 of strings': (strings, indices) => {
    const { values } = stringsOf(strings);
    const chosen = [...indices.dataSync()].map((index) => values[index] ?? new Uint8Array());
    return stringTensor({ shape: indices.shape, values: chosen });
  },
};

/** Registered globally, under distinct names so that other graph models are not affected. */
const registered = (name: string) => `Served ${name}`;
for (const [name, compute] of Object.entries(OUR_OPERATIONS))
  registerOp(registered(name), ({ inputs: [x, parameter = x] }) => {
    if (!x || !parameter) throw new SavedModelError(`The operation ${name} lacks an input.`);
    return compute(x, parameter);
  });

/** Operations that TensorFlow.js's executor runs as TensorFlow documents them. */
const ITS_OPERATIONS = new Set(
  (
    'AddV2 ArgMax AvgPool BiasAdd BroadcastTo Cast ConcatV2 Const Conv2D DepthwiseConv2dNative GatherV2 Identity MatMul ' +
    'Max MaxPool Mean Min Mul Pad Placeholder RealDiv Relu Relu6 ResizeBilinear ReverseV2 Rsqrt Shape Sigmoid Softmax Sqrt Sub Sum'
  ).split(' '),
);

const typeAttribute = ({ attr }: NodeDef, name: string): number | undefined => {
  const value = attr[name]?.value;
  return value?.case === 'type' ? value.value : undefined;
};

/** The executor's name for a node's operation. @throws SavedModelError if there is none */
const executorsName = (node: NodeDef): string => {
  const { name, op } = node;
  if (Object.values(FUSED).includes(op)) return op;
  const isOfStrings = ['T', 'Tparams'].some((key) => typeAttribute(node, key) === DataType.string);
  const ours = isOfStrings ? `${op} of strings` : op;
  if (ours in OUR_OPERATIONS) return registered(ours);
  if (ITS_OPERATIONS.has(op)) return op;
  const known = [...ITS_OPERATIONS, ...Object.keys(OUR_OPERATIONS)].join(', ');
  throw new SavedModelError(`Node ${name}: the operation ${op} is not supported; supported are ${known}.`);
};

/** `name:0` and `name` are the same, because our operations have one output. Control edges (`^name`) carry no data. */
const nodeName = (edge: string): string => {
  if (/:[1-9]/.test(edge) || edge.startsWith('^'))
    throw new SavedModelError(`The edge ${edge} is not supported: only first outputs are.`);
  return edge.replace(/:0$/, '');
};

/** The value of a constant. Half precision is cast here, so that convolutions are not prepared again in each run. */
const constantOf = (node: NodeDef, nodes: DecodedModel['nodes']): TensorProto | undefined => {
  if (node.op === 'Cast' && typeAttribute(node, 'DstT') === DataType.float) {
    const source = nodes.get(nodeName(node.input[0] ?? ''));
    const constant = source?.op === 'Const' ? constantOf(source, nodes) : undefined;
    return constant?.dtype === DataType.half ? constant : undefined;
  }
  const value = node.op === 'Const' ? node.attr['value']?.value : undefined;
  return value?.case === 'tensor' ? value.value : undefined;
};

/** The inputs of the signature, and the nodes that lead to its outputs. */
const neededNodes = ({ nodes, signature }: DecodedModel): NodeDef[] => {
  const found = new Map<string, NodeDef | 'in progress'>();
  const visit = (name: string): void => {
    const before = found.get(name);
    if (before === 'in progress')
      throw new SavedModelError(`The graph has a cycle through the node ${name}.`);
    if (before !== undefined) return;
    const node = nodes.get(name);
    if (node === undefined) throw new SavedModelError(`The graph has no node ${name}.`);
    found.set(name, 'in progress');
    if (!constantOf(node, nodes)) for (const edge of node.input) visit(nodeName(edge));
    found.set(name, node);
  };
  const ends = [...Object.values(signature.inputs), ...Object.values(signature.outputs)];
  for (const { name } of ends) visit(nodeName(name));
  return [...found.values()].filter((node) => node !== 'in progress');
};

const FUSED: Readonly<Record<string, string>> = {
  Conv2D: '_FusedConv2D',
  DepthwiseConv2dNative: 'FusedDepthwiseConv2dNative',
};

/** Fuses a convolution with the bias and activation after it into one operation of TensorFlow.js, which saves a tenth of the time. */
const fused = (nodes: readonly NodeDef[], outputs: ReadonlySet<string>): NodeDef[] => {
  const readers = new Map<string, NodeDef[]>();
  for (const node of nodes)
    for (const edge of node.input)
      readers.set(nodeName(edge), [...(readers.get(nodeName(edge)) ?? []), node]);
  /** The only reader of a node, if it is one of these operations. */
  const next = (node: NodeDef | undefined, ...ops: string[]): NodeDef | undefined => {
    const [reader, ...others] = node && !outputs.has(node.name) ? (readers.get(node.name) ?? []) : [];
    const isMain = reader && node && nodeName(reader.input[0] ?? '') === node.name;
    return isMain && others.length === 0 && ops.includes(reader.op) ? reader : undefined;
  };
  const replaced = new Map<string, NodeDef | undefined>();
  for (const node of nodes) {
    const op = FUSED[node.op];
    const bias = op === undefined ? undefined : next(node, 'BiasAdd');
    if (op === undefined || !bias) continue;
    const activation = next(bias, 'Relu', 'Relu6');
    const last = activation ?? bias;
    const texts = ['BiasAdd', ...(activation ? [activation.op] : [])].map((text) =>
      new TextEncoder().encode(text),
    );
    const { attr } = create(NodeDefSchema, {
      attr: {
        fused_ops: { value: { case: 'list', value: { s: texts } } },
        num_args: attribute.integer(1),
      },
    });
    for (const { name } of [node, bias]) replaced.set(name, undefined);
    const input = [...node.input, bias.input[1] ?? ''];
    replaced.set(last.name, { ...node, name: last.name, op, input, attr: { ...node.attr, ...attr } });
  }
  return nodes.flatMap((node) => (replaced.has(node.name) ? (replaced.get(node.name) ?? []) : node));
};

/** TensorFlow.js's names for the types of stored weights. */
const WEIGHT_TYPES: ReadonlyMap<number, Pick<tf.io.WeightsManifestEntry, 'dtype' | 'quantization'>> = new Map(
  [
    [DataType.float, { dtype: 'float32' }],
    [DataType.half, { dtype: 'float32', quantization: { dtype: 'float16' } }],
    [DataType.int32, { dtype: 'int32' }],
    [DataType.string, { dtype: 'string' }],
  ] as const,
);

/** A constant in TensorFlow.js's weight format: strings are preceded by their lengths, numbers are unchanged. */
const weight = (name: string, { dtype, tensorShape, tensorContent, stringVal }: TensorProto) => {
  const type = WEIGHT_TYPES.get(dtype);
  if (!type)
    throw new SavedModelError(`Node ${name}: constants of type ${dataTypeName(dtype)} are not supported.`);
  const bytes =
    dtype === DataType.string ? stringVal.flatMap((value) => [lengthOf(value), value]) : [tensorContent];
  const shape = (tensorShape?.dim ?? []).map(({ size }) => Number(size));
  return { spec: { name, shape, ...type }, data: new Uint8Array(Buffer.concat(bytes)).buffer };
};

const lengthOf = ({ byteLength }: Uint8Array): Uint8Array =>
  new Uint8Array(Uint32Array.of(byteLength).buffer);

/** The node without its shape, which the executor would enforce more strictly than TensorFlow Serving does. */
const toJsonNode = (node: NodeDef, op: string) => {
  const { shape: _, ...attr } = node.attr;
  return toJson(NodeDefSchema, { ...node, op, attr });
};

/**
 * Copies nodes of a decoded graph, and everything that they depend on, into another graph.
 *
 * @param written new nodes by the name of the original, for those that already exist
 * @param replace writes a node differently, or returns undefined to copy it
 * @returns a function that copies a node and returns the new one
 */
export const copyNodes = (
  nodes: DecodedModel['nodes'],
  graph: Graph,
  written: Map<string, Node>,
  replace: (node: NodeDef) => Node | undefined = () => undefined,
): ((name: string) => Node) => {
  const copy = (name: string): Node => {
    const done = written.get(name);
    if (done !== undefined) return done;
    const node = nodes.get(name);
    if (!node) throw new SavedModelError(`The model has no node ${name}: it is not one of ours.`);
    const result = replace(node) ?? graph.add(node.op, name, node.input.map(copy), node.attr);
    written.set(name, result);
    return result;
  };
  return copy;
};

/**
 * Converts a graph to TensorFlow.js's format.
 *
 * @param operationOf registered operations that replace the executor's; nothing is fused then
 */
export const toGraphModel = (
  model: DecodedModel,
  operationOf?: (node: NodeDef) => string | undefined,
): GraphModel<tf.io.IOHandlerSync> => {
  const weights: ReturnType<typeof weight>[] = [];
  const outputs = new Set(Object.values(model.signature.outputs).map(({ name }) => nodeName(name)));
  const needed = neededNodes(model);
  const node = (operationOf ? needed : fused(needed, outputs)).map((node) => {
    const constant = constantOf(node, model.nodes);
    if (!constant) return toJsonNode(node, operationOf?.(node) ?? executorsName(node));
    weights.push(weight(node.name, constant));
    return { name: node.name, op: 'Const' };
  });
  return loadGraphModelSync({
    modelTopology: { node, versions: {} },
    weightSpecs: weights.map(({ spec }) => spec),
    weightData: weights.map(({ data }) => data),
  });
};

/** Runs the serving signature of a decoded SavedModel on TensorFlow.js's current backend. */
export class GraphRunner {
  readonly signature: DecodedModel['signature'];
  readonly #model: GraphModel<tf.io.IOHandlerSync>;
  readonly #weights: ReadonlySet<number>;

  /** @throws SavedModelError that names the first unsupported operation */
  constructor(model: DecodedModel) {
    this.signature = model.signature;
    this.#model = toGraphModel(model);
    this.#weights = new Set(
      Object.values(this.#model.weights).flatMap((tensors) => tensors.map(({ id }) => id)),
    );
  }

  /**
   * Computes every output of the signature.
   *
   * @param inputs by name in the signature
   * @throws InvalidArgumentError for inputs that do not fit the graph
   */
  async run(inputs: ReadonlyMap<string, Strings>): Promise<ReadonlyMap<string, Output>> {
    const given: tf.NamedTensorMap = {};
    let computed: tf.Tensor[] = [];
    try {
      for (const [name, info] of Object.entries(this.signature.inputs)) {
        const value = inputs.get(name);
        if (value === undefined) throw new InvalidArgumentError(`The input ${name} is missing.`);
        given[nodeName(info.name)] = stringTensor(value);
      }
      const outputs = Object.entries(this.signature.outputs);
      computed = [
        this.#model.execute(
          given,
          outputs.map(([, { name }]) => nodeName(name)),
        ),
      ].flat();
      const values = await Promise.all(computed.map(read));
      return new Map(outputs.flatMap(([name], index) => (values[index] ? [[name, values[index]]] : [])));
    } finally {
      // An output may itself be a constant.
      tf.dispose(computed.filter(({ id }) => !this.#weights.has(id)));
      tf.dispose(given);
    }
  }

  dispose(): void {
    this.#model.dispose();
  }
}

const read = async (tensor: tf.Tensor): Promise<Output> => {
  const { shape } = tensor;
  if (tensor.dtype === 'string') return { shape, strings: stringsOf(tensor).values };
  return { shape, numbers: [...(await tensor.data())] };
};
