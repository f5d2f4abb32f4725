import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type Attribute, attribute, ExportError } from '../savedmodel/graph.ts';
import type { GraphDefNode, JsonGraphDef } from './model-files.ts';

/** A node's value that depends on no input. */
export interface Constant {
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** `name:0` is the first output of `name`, which is all that is ever meant here. */
const nameOf = (input: string): string => input.replace(/:0$/, '');

/** Operations that hand their first input on. */
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

  /** The node that computes an input, past those that only hand it on. Control edges (`^name`) compute nothing. */
  producer(input: string): GraphDefNode | undefined {
    const node = this.#byName.get(nameOf(input));
    const [first] = node?.input ?? [];
    return node && TRANSPARENT.has(node.op) && first !== undefined ? this.producer(first) : node;
  }

  /** The node's inputs, without control edges. */
  inputs(node: GraphDefNode): string[] {
    return node.input.filter((input) => !input.startsWith('^'));
  }

  /** The value of an input, if it is constant. */
  constant(input: string | undefined): Constant | undefined {
    const node = input === undefined ? undefined : this.producer(input);
    return node?.op === 'Const' ? this.#constants.get(node.name) : undefined;
  }

  /** The nodes that compute with the output of `node`. */
  consumers({ name }: GraphDefNode): GraphDefNode[] {
    return this.nodes.filter(({ input }) => input.some((edge) => nameOf(edge) === name));
  }
}

const readConstant = (tensor: tf.Tensor): Constant => {
  const values = tensor.dataSync();
  return {
    // A copy: TensorFlow.js may hand out its own memory.
    values: tensor.dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values),
    shape: [...tensor.shape],
  };
};

const spans = z.tuple([z.literal(1), z.int().positive(), z.int().positive(), z.literal(1)]);
const padding = z.enum(['SAME', 'VALID']);

/** Reads a node's attributes, each as what it must be; absent ones have TensorFlow's defaults. */
export class NodeAttributes {
  readonly #node: GraphDefNode;

  constructor(node: GraphDefNode) {
    this.#node = node;
  }

  #read<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new ExportError(
      this.#node.name,
      `its attribute ${name} (${JSON.stringify(value)}) is not supported.`,
    );
  }

  text(name: string): string | undefined {
    const encoded = this.#node.attr[name]?.s;
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  }

  /** Texts of a list. */
  texts(name: string): string[] {
    return (this.#node.attr[name]?.list?.s ?? []).map((text) => Buffer.from(text, 'base64').toString('utf8'));
  }

  boolean(name: string): boolean {
    return this.#node.attr[name]?.b ?? false;
  }

  integers(name: string): number[] {
    return this.#node.attr[name]?.list?.i ?? [];
  }

  float(name: string): number | undefined {
    return this.#node.attr[name]?.f;
  }

  /** A window such as `[1, height, width, 1]`. */
  window(name: string): readonly [height: number, width: number] {
    const { [name]: value } = this.#node.attr;
    const [, height, width] = this.#read(name, spans, value?.list?.i ?? [1, 1, 1, 1]);
    return [height, width];
  }

  /** What convolutions and poolings share: strides, padding, and channels last. */
  spatial(): Record<'strides' | 'padding' | 'data_format', Attribute> {
    this.#read('data_format', z.literal('NHWC'), this.text('data_format') ?? 'NHWC');
    const [height, width] = this.window('strides');
    return {
      strides: attribute.integers([1, height, width, 1]),
      padding: attribute.text(this.#read('padding', padding, this.text('padding'))),
      data_format: attribute.text('NHWC'),
    };
  }
}
