import { create } from '@bufbuild/protobuf';
import { attribute, DataType } from './graph.ts';
import { type NodeDef, NodeDefSchema, type TensorProto, TensorProtoSchema } from './proto/tensorflow_pb.ts';

/**
 * TensorFlow 2.21 with oneDNN, its default, crashes with a division by zero in pointwise convolutions from up to 512 to
 * 1,024 channels if a virtual machine hides the processor's caches. In parts of 512 channels they work, with the same
 * result.
 */
const WIDEST = 512;

const tensorOf = (node: NodeDef | undefined): TensorProto | undefined => {
  const value = node?.attr['value']?.value;
  return value?.case === 'tensor' ? value.value : undefined;
};

/** Some columns of a matrix with `width` columns and `bytes` per number. */
const columns = (content: Uint8Array, width: number, from: number, to: number, bytes: number): Uint8Array => {
  const rows = content.length / (width * bytes);
  const part = new Uint8Array(rows * (to - from) * bytes);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    part.set(content.subarray((start + from) * bytes, (start + to) * bytes), row * (to - from) * bytes);
  }
  return part;
};

/** The convolution in parts, and the nodes that they replace; undefined if it is not a wide pointwise convolution. */
const split = (node: NodeDef, nodes: ReadonlyMap<string, NodeDef>) => {
  const [input, kernelName] = node.input;
  const kernel = nodes.get(kernelName ?? '');
  // Half-precision weights are cast where they are used.
  const stored = kernel?.op === 'Cast' ? nodes.get(kernel.input[0] ?? '') : kernel;
  const tensor = tensorOf(stored);
  const [height, width, channels = 0, filters = 0] =
    tensor?.tensorShape?.dim.map(({ size }) => Number(size)) ?? [];
  if (node.op !== 'Conv2D' || !input || !kernel || !stored || !tensor) return undefined;
  if (height !== 1 || width !== 1 || channels >= filters || filters <= WIDEST) return undefined;
  const bytes = tensor.tensorContent.length / (channels * filters);
  const parts = Array.from({ length: Math.ceil(filters / WIDEST) }, (_, index) => {
    const [from, to] = [index * WIDEST, Math.min(filters, (index + 1) * WIDEST)];
    const value = create(TensorProtoSchema, {
      dtype: tensor.dtype,
      tensorShape: { dim: [1, 1, channels, to - from].map((size) => ({ size: BigInt(size) })) },
      tensorContent: columns(tensor.tensorContent, filters, from, to, bytes),
    });
    const name = (whole: NodeDef) => `${whole.name}/${index}`;
    const constant = create(NodeDefSchema, {
      ...{ name: name(stored), op: 'Const' },
      attr: { ...stored.attr, value: attribute.tensor(value) },
    });
    const cast =
      kernel === stored
        ? []
        : [create(NodeDefSchema, { ...kernel, name: name(kernel), input: [constant.name] })];
    const convolution = create(NodeDefSchema, { ...node, name: name(node), input: [input, name(kernel)] });
    return { convolution: convolution.name, nodes: [constant, ...cast, convolution] };
  });
  const axis = create(NodeDefSchema, {
    ...{ name: `${node.name}/axis`, op: 'Const' },
    attr: {
      dtype: attribute.type(DataType.int32),
      value: attribute.tensor({
        dtype: DataType.int32,
        tensorShape: {},
        tensorContent: new Uint8Array(Int32Array.of(3).buffer),
      }),
    },
  });
  const whole = create(NodeDefSchema, {
    ...{ name: node.name, op: 'ConcatV2' },
    input: [...parts.map(({ convolution }) => convolution), axis.name],
    attr: {
      T: attribute.type(DataType.float),
      Tidx: attribute.type(DataType.int32),
      N: attribute.integer(parts.length),
    },
  });
  return { nodes: [...parts.flatMap((part) => part.nodes), axis, whole], replaced: [node, kernel, stored] };
};

/** Splits pointwise convolutions with many filters in a graph into parts. The results are the same. */
export const splitWideConvolutions = (all: readonly NodeDef[]): NodeDef[] => {
  const nodes = new Map(all.map((node) => [node.name, node]));
  const parts = all.flatMap((node) => split(node, nodes) ?? []);
  const replaced = new Set(parts.flatMap((part) => part.replaced));
  return [...all.filter((node) => !replaced.has(node)), ...parts.flatMap((part) => part.nodes)];
};
