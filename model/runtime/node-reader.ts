import * as tf from '@tensorflow/tfjs-core';
import { DataType, dataTypeName } from '../savedmodel/data-types.ts';
import { SavedModelError } from '../savedmodel/errors.ts';
import { fromHalf } from '../savedmodel/half.ts';
import type { AttrValue, NodeDef, TensorProto } from '../savedmodel/proto/tensorflow_pb.ts';
import type { Value } from './values.ts';

/** Reads a node's attributes, each as what it must be. */
export class NodeReader {
  readonly node: NodeDef;

  constructor(node: NodeDef) {
    this.node = node;
  }

  #lacks(attribute: string): SavedModelError {
    return new SavedModelError(`Node ${this.node.name} (${this.node.op}) lacks the attribute ${attribute}.`);
  }

  #value(attribute: string): AttrValue['value'] | undefined {
    return this.node.attr[attribute]?.value;
  }

  text(attribute: string): string {
    const value = this.#value(attribute);
    if (value?.case !== 's') throw this.#lacks(attribute);
    return new TextDecoder().decode(value.value);
  }

  boolean(attribute: string): boolean {
    const value = this.#value(attribute);
    if (value?.case !== 'b') throw this.#lacks(attribute);
    return value.value;
  }

  integer(attribute: string): number {
    const value = this.#value(attribute);
    if (value?.case !== 'i') throw this.#lacks(attribute);
    return Number(value.value);
  }

  type(attribute: string): number {
    const value = this.#value(attribute);
    if (value?.case !== 'type') throw this.#lacks(attribute);
    return value.value;
  }

  /** The spatial part of a list such as `[1, height, width, 1]`. */
  spatial(attribute: string): [number, number] {
    const value = this.#value(attribute);
    if (value?.case !== 'list') throw this.#lacks(attribute);
    const [batch = 0n, height = 0n, width = 0n, channels = 0n] = value.value.i;
    if (batch !== 1n || channels !== 1n) {
      throw new SavedModelError(
        `Node ${this.node.name}: ${attribute} must not span the batch or the channels.`,
      );
    }
    return [Number(height), Number(width)];
  }

  /** `same` or `valid`, as TensorFlow.js spells them. */
  padding(): 'same' | 'valid' {
    const padding = this.text('padding');
    if (padding === 'SAME') return 'same';
    if (padding === 'VALID') return 'valid';
    throw new SavedModelError(`Node ${this.node.name}: padding ${padding} is not supported.`);
  }

  /** The value of a Const node. */
  constant(): Value {
    const value = this.#value('value');
    if (value?.case !== 'tensor') throw this.#lacks('value');
    return readTensor(this.node.name, value.value);
  }
}

const readTensor = (name: string, proto: TensorProto): Value => {
  const shape = (proto.tensorShape?.dim ?? []).map(({ size }) => Number(size));
  // A copy, because typed arrays must start at a multiple of their element's size. (A Buffer's slice() is none.)
  const content = new Uint8Array(proto.tensorContent);
  switch (proto.dtype) {
    case DataType.float:
      return tf.tensor(new Float32Array(content.buffer), shape, 'float32');
    case DataType.half:
      return tf.tensor(fromHalf(content), shape, 'float32');
    case DataType.int32:
      return tf.tensor(new Int32Array(content.buffer), shape, 'int32');
    case DataType.string:
      return { shape, values: proto.stringVal };
    default:
      throw new SavedModelError(
        `Node ${name}: constants of type ${dataTypeName(proto.dtype)} are not supported.`,
      );
  }
};
