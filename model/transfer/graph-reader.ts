import * as tf from '@tensorflow/tfjs-core';
import type { GraphDef, GraphDefNode } from './graph-def.ts';

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

  constructor({ node }: GraphDef, weightData: ArrayBuffer, weightSpecs: tf.io.WeightsManifestEntry[]) {
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
