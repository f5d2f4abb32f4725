import * as tf from '@tensorflow/tfjs-core';
import type { DecodedModel } from '../savedmodel/decode.ts';
import { SavedModelError } from '../savedmodel/errors.ts';
import type { NodeDef } from '../savedmodel/proto/tensorflow_pb.ts';
import { Call } from './call.ts';
import { NodeReader } from './node-reader.ts';
import { operations } from './operations.ts';
import { InvalidArgumentError, isTensor, type Strings, type Value } from './values.ts';

/** An output, read back from where it was computed. */
export type Output =
  | { readonly shape: readonly number[]; readonly numbers: readonly number[] }
  | { readonly shape: readonly number[]; readonly strings: readonly Uint8Array[] };

/** `name:0` and `name` are the same: our operations have one output. Control edges (`^name`) compute nothing. */
const nodeName = (input: string): string => {
  if (/:[1-9]/.test(input) || input.startsWith('^')) {
    throw new SavedModelError(`The edge ${input} is not supported: only first outputs are.`);
  }
  return input.replace(/:0$/, '');
};

/** Runs the serving signature of a decoded SavedModel on TensorFlow.js's current backend. */
export class GraphRunner {
  readonly #model: DecodedModel;
  /** What depends on no input, computed once. */
  readonly #constants = new Map<string, Value>();
  /** What depends on the input; remembered, or residual networks would be walked through exponentially. */
  readonly #variable = new Set<string>();

  /** @throws SavedModelError that names the first operation which is not supported */
  constructor(model: DecodedModel) {
    this.#model = model;
    for (const info of Object.values(model.signature.outputs)) this.#prepare(nodeName(info.name));
  }

  get signature(): DecodedModel['signature'] {
    return this.#model.signature;
  }

  #node(name: string): NodeDef {
    const node = this.#model.nodes.get(name);
    if (node === undefined) throw new SavedModelError(`The graph has no node ${name}.`);
    return node;
  }

  /** @returns true when the node depends on no input; its value is then kept */
  #prepare(name: string): boolean {
    if (this.#constants.has(name)) return true;
    if (this.#variable.has(name)) return false;
    const node = this.#node(name);
    if (node.op === 'Placeholder') return false;
    const constant = node.input.map((input) => this.#prepare(nodeName(input))).every(Boolean);
    if (!operations.has(node.op)) {
      const known = [...operations.keys()].join(', ');
      throw new SavedModelError(
        `Node ${name}: the operation ${node.op} is not supported; known are ${known}.`,
      );
    }
    if (!constant) {
      this.#variable.add(name);
      return false;
    }
    tf.tidy(() => {
      const value = this.#compute(node, this.#constants);
      this.#constants.set(name, isTensor(value) ? tf.keep(value) : value);
    });
    return true;
  }

  #compute(node: NodeDef, values: Map<string, Value>): Value {
    const inputs = node.input.map((input) => this.#evaluate(nodeName(input), values));
    const operation = operations.get(node.op);
    if (!operation)
      throw new SavedModelError(`Node ${node.name} (${node.op}) has no value: is an input missing?`);
    return operation(new Call(new NodeReader(node), inputs));
  }

  #evaluate(name: string, values: Map<string, Value>): Value {
    const known = this.#constants.get(name) ?? values.get(name);
    if (known !== undefined) return known;
    const value = this.#compute(this.#node(name), values);
    values.set(name, value);
    return value;
  }

  #feed(inputs: ReadonlyMap<string, Strings>): Map<string, Value> {
    const values = new Map<string, Value>();
    for (const [name, info] of Object.entries(this.signature.inputs)) {
      const value = inputs.get(name);
      if (value === undefined) throw new InvalidArgumentError(`The input ${name} is missing.`);
      values.set(nodeName(info.name), value);
    }
    return values;
  }

  /**
   * Computes every output of the signature.
   *
   * @param inputs by the signature's names
   * @throws InvalidArgumentError for inputs that the graph cannot take
   */
  async run(inputs: ReadonlyMap<string, Strings>): Promise<ReadonlyMap<string, Output>> {
    const results = new Map<string, Value>();
    tf.tidy(() => {
      const values = this.#feed(inputs);
      for (const [name, info] of Object.entries(this.signature.outputs)) {
        const value = this.#evaluate(nodeName(info.name), values);
        results.set(name, isTensor(value) ? tf.keep(tf.clone(value)) : value);
      }
    });
    const outputs = await Promise.all(
      [...results].map(async ([name, value]) => [name, await read(value)] as const),
    );
    return new Map(outputs);
  }

  dispose(): void {
    for (const value of this.#constants.values()) if (isTensor(value)) value.dispose();
  }
}

const read = async (value: Value): Promise<Output> => {
  if (!isTensor(value)) return { shape: value.shape, strings: value.values };
  const numbers = [...(await value.data())];
  value.dispose();
  return { shape: value.shape, numbers };
};
