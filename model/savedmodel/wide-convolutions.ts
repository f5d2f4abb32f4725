import { create } from '@bufbuild/protobuf';
import { attribute, DataType, Graph, tensorOf } from './graph.ts';
import { type NodeDef, NodeDefSchema } from './proto/tensorflow_pb.ts';

/**
 * TensorFlow 2.21 with oneDNN, its default, crashes with a division by zero in pointwise convolutions from up to 512 to
 * 1,024 channels if a virtual machine hides the processor's caches. In parts of 512 channels they work, with the same
 * result.
 */
const WIDEST = 512;

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
  const graph = new Graph();
  const parts = Array.from({ length: Math.ceil(filters / WIDEST) }, (_, index) => {
    const [from, to] = [index * WIDEST, Math.min(filters, (index + 1) * WIDEST)];
    const value = attribute.tensor({
      dtype: tensor.dtype,
      tensorShape: { dim: [1, 1, channels, to - from].map((size) => ({ size: BigInt(size) })) },
      tensorContent: columns(tensor.tensorContent, filters, from, to, bytes),
    });
    const constant = graph.add('Const', `${stored.name}/${index}`, [], { ...stored.attr, value });
    const cast =
      kernel === stored ? constant : graph.add(kernel.op, `${kernel.name}/${index}`, [constant], kernel.attr);
    return graph.add(node.op, `${node.name}/${index}`, [input, cast], node.attr);
  });
  graph.float('ConcatV2', node.name, [...parts, graph.integers(`${node.name}/axis`, [3], [])], {
    Tidx: attribute.type(DataType.int32),
    N: attribute.integer(parts.length),
  });
  return {
    nodes: graph.nodes.map((each) => create(NodeDefSchema, each)),
    replaced: [node, kernel, stored],
  };
};

/** Splits pointwise convolutions with many filters in a graph into parts. The results are the same. */
export const splitWideConvolutions = (all: readonly NodeDef[]): NodeDef[] => {
  const nodes = new Map(all.map((node) => [node.name, node]));
  const parts = all.flatMap((node) => split(node, nodes) ?? []);
  const replaced = new Set(parts.flatMap((part) => part.replaced));
  return [...all.filter((node) => !replaced.has(node)), ...parts.flatMap((part) => part.nodes)];
};
