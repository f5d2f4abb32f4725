import * as tf from '@tensorflow/tfjs-core';
import type { DecodedModel } from '../savedmodel/decode.ts';
import { SavedModelError } from '../savedmodel/errors.ts';
import { Call } from './call.ts';
import { NodeReader } from './node-reader.ts';
import { operations } from './operations.ts';
import { nodeName, type Schedule, type Step, scheduleOf } from './schedule.ts';
import { InvalidArgumentError, isTensor, type Strings, type Value } from './values.ts';

/** An output, read back from where it was computed. */
export type Output =
  | { readonly shape: readonly number[]; readonly numbers: readonly number[] }
  | { readonly shape: readonly number[]; readonly strings: readonly Uint8Array[] };

const checkOperations = ({ constant, variable }: Schedule): void => {
  for (const { node } of [...constant, ...variable]) {
    if (operations.has(node.op)) continue;
    const known = [...operations.keys()].join(', ');
    throw new SavedModelError(
      `Node ${node.name}: the operation ${node.op} is not supported; known are ${known}.`,
    );
  }
};

const dispose = (value: Value | undefined): void => {
  if (value !== undefined && isTensor(value)) value.dispose();
};

const read = async (value: Value): Promise<Output> => {
  if (!isTensor(value)) return { shape: value.shape, strings: value.values };
  return { shape: value.shape, numbers: [...(await value.data())] };
};

/** Runs the serving signature of a decoded SavedModel on TensorFlow.js's current backend. */
export class GraphRunner {
  readonly signature: DecodedModel['signature'];
  readonly #steps: readonly Step[];
  /** What depends on no input and is read by steps that do. */
  readonly #constants = new Map<string, Value>();

  /** @throws SavedModelError that names the first operation which is not supported */
  constructor(model: DecodedModel) {
    this.signature = model.signature;
    const schedule = scheduleOf(model);
    checkOperations(schedule);
    this.#steps = schedule.variable;
    tf.tidy(() => {
      this.#walk(schedule.constant, this.#constants);
      for (const value of this.#constants.values()) if (isTensor(value)) tf.keep(value);
    });
  }

  /** Computes the steps into `values`, and takes out of it what is not read any more. */
  #walk(steps: readonly Step[], values: Map<string, Value>): void {
    for (const { node, inputs, releases } of steps) {
      const operation = operations.get(node.op);
      const known = inputs.map((name) => values.get(name) ?? this.#constants.get(name));
      const given = known.filter((value) => value !== undefined);
      if (operation === undefined || given.length < inputs.length)
        throw new SavedModelError(`Node ${node.name} (${node.op}) has no value: is an input missing?`);
      values.set(node.name, operation(new Call(new NodeReader(node), given)));
      for (const name of releases) {
        dispose(values.get(name));
        values.delete(name);
      }
    }
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
      this.#walk(this.#steps, values);
      for (const [name, info] of Object.entries(this.signature.outputs)) {
        const node = nodeName(info.name);
        const value = values.get(node) ?? this.#constants.get(node);
        if (value === undefined) throw new SavedModelError(`The output ${name} has no value.`);
        results.set(name, isTensor(value) ? tf.keep(tf.clone(value)) : value);
      }
    });
    try {
      const outputs = [...results].map(async ([name, value]) => [name, await read(value)] as const);
      return new Map(await Promise.all(outputs));
    } finally {
      for (const value of results.values()) dispose(value);
    }
  }

  dispose(): void {
    for (const value of this.#constants.values()) dispose(value);
  }
}
