import type * as tf from '@tensorflow/tfjs-core';
import { SavedModelError } from '../savedmodel/errors.ts';
import type { NodeReader } from './node-reader.ts';
import { isTensor, type Strings, type Value } from './values.ts';

/** A node and the values of its inputs, each read as what the operation needs. */
export class Call {
  readonly node: NodeReader;
  readonly #inputs: readonly Value[];

  constructor(node: NodeReader, inputs: readonly Value[]) {
    this.node = node;
    this.#inputs = inputs;
  }

  #wrong(index: number, expected: string): SavedModelError {
    return new SavedModelError(`Input ${index} of node ${this.node.node.name} must be ${expected}.`);
  }

  value(index: number): Value {
    const value = this.#inputs[index];
    if (value === undefined) throw this.#wrong(index, 'there');
    return value;
  }

  tensor(index: number): tf.Tensor {
    const value = this.value(index);
    if (!isTensor(value)) throw this.#wrong(index, 'numeric');
    return value;
  }

  /** Photos or feature maps: `[N, H, W, C]`, or a kernel. */
  images(index: number): tf.Tensor4D {
    const value = this.tensor(index);
    const isImages = (tensor: tf.Tensor): tensor is tf.Tensor4D => tensor.rank === 4;
    if (!isImages(value)) throw this.#wrong(index, 'of rank 4');
    return value;
  }

  strings(index: number): Strings {
    const value = this.value(index);
    if (isTensor(value)) throw this.#wrong(index, 'strings');
    return value;
  }

  /** A small input, such as a shape or axes. */
  numbers(index: number): number[] {
    return [...this.tensor(index).dataSync()];
  }

  /** The first `count` inputs. */
  tensors(count: number): tf.Tensor[] {
    return Array.from({ length: count }, (_, index) => this.tensor(index));
  }
}
