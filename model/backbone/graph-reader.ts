import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type Attribute, attribute, ExportError } from '../savedmodel/graph.ts';
import type { GraphDefNode, JsonGraphDef } from './model-files.ts';

export interface Constant {
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** `name:0` is the first output of `name`; others are not used. */
const nameOf = (input: string): string => input.replace(/:0$/, '');

/** Operations that pass on their first input. */
const TRANSPARENT = new Set(['Identity', 'StopGradient', 'Snapshot']);

/** Finds nodes and constants of a graph model. */
export class GraphReader {
  readonly nodes: readonly GraphDefNode[];
  readonly #byName: ReadonlyMap<string, GraphDefNode>;
  readonly #constants: ReadonlyMap<string, Constant>;

  constructor({ node }: JsonGraphDef, weightData: ArrayBuffer, weightSpecs: tf.io.WeightsManifestEntry[]) {
    this.nodes = node;
    this.#byName = new Map(node.map((entry) => [entry.name, entry]));
    const weights = tf.io.decodeWeights(weightData, weightSpecs);
    this.#constants = new Map(
      Object.entries(weights).map(([name, tensor]) => [name, readConstant(tensor)] as const),
    );
    tf.dispose(weights);
  }

  /** The node that computes an input, skipping those that only pass it on. Control edges (`^name`) carry no data. */
  producer(input: string): GraphDefNode | undefined {
    const node = this.#byName.get(nameOf(input));
    const [first] = node?.input ?? [];
    return node && TRANSPARENT.has(node.op) && first !== undefined ? this.producer(first) : node;
  }

  /** The node's inputs, without control edges. */
  inputs(node: GraphDefNode): string[] {
    return node.input.filter((input) => !input.startsWith('^'));
  }

  constant(input: string | undefined): Constant | undefined {
    const node = input === undefined ? undefined : this.producer(input);
    return node?.op === 'Const' ? this.#constants.get(node.name) : undefined;
  }

  consumers({ name }: GraphDefNode): GraphDefNode[] {
    return this.nodes.filter(({ input }) => input.some((edge) => nameOf(edge) === name));
  }
}

const readConstant = (tensor: tf.Tensor): Constant => {
  const values = tensor.dataSync();
  return {
    // A copy, because TensorFlow.js may return its own memory.
    values: tensor.dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values),
    shape: [...tensor.shape],
  };
};

const spans = z.tuple([z.literal(1), z.int().positive(), z.int().positive(), z.literal(1)]);
const padding = z.enum(['SAME', 'VALID']);

/** @throws ExportError that names the attribute if it has an unsupported value */
const read = <T>(node: GraphDefNode, name: string, schema: z.ZodType<T>, value: unknown): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ExportError(node.name, `its attribute ${name} (${JSON.stringify(value)}) is not supported.`);
};

const decoded = (text: string) => Buffer.from(text, 'base64').toString('utf8');

export const stringAttribute = ({ attr }: GraphDefNode, name: string): string | undefined => {
  const text = attr[name]?.s;
  return text === undefined ? undefined : decoded(text);
};

export const stringListAttribute = ({ attr }: GraphDefNode, name: string): string[] =>
  (attr[name]?.list?.s ?? []).map(decoded);

/** A window such as `[1, height, width, 1]`, with TensorFlow's default if it is absent. */
export const windowOf = (node: GraphDefNode, name: string): readonly [height: number, width: number] => {
  const [, height, width] = read(node, name, spans, node.attr[name]?.list?.i ?? [1, 1, 1, 1]);
  return [height, width];
};

/** The common attributes of convolutions and poolings: strides, padding, and channels last. */
export const spatialOf = (node: GraphDefNode): Record<'strides' | 'padding' | 'data_format', Attribute> => {
  read(node, 'data_format', z.literal('NHWC'), stringAttribute(node, 'data_format') ?? 'NHWC');
  return {
    strides: attribute.integers([1, ...windowOf(node, 'strides'), 1]),
    padding: attribute.text(read(node, 'padding', padding, stringAttribute(node, 'padding'))),
    data_format: attribute.text('NHWC'),
  };
};
