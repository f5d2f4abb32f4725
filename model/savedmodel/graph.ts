import type { MessageInitShape } from '@bufbuild/protobuf';
import { Float16Array } from '@petamoriken/float16';
import type {
  AttrValueSchema,
  NodeDef,
  NodeDefSchema,
  TensorProto,
  TensorProtoSchema,
  TensorShapeProtoSchema,
} from './proto/tensorflow_pb.ts';

/** The numbers of TensorFlow's data types (tensorflow/core/framework/types.proto) that we write. */
export const DataType = {
  float: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  int64: 9,
  half: 19,
} as const;
export type DataType = (typeof DataType)[keyof typeof DataType];

/** The name that TensorFlow's tools print. */
export const dataTypeName = (dtype: number): string => {
  const found = Object.entries(DataType).find(([, number]) => number === dtype);
  return `DT_${found ? found[0].toUpperCase() : dtype}`;
};

/** A node's attribute, for the protobuf library. */
export type Attribute = MessageInitShape<typeof AttrValueSchema>;
type Shape = MessageInitShape<typeof TensorShapeProtoSchema>;

/** @param dimensions `null`: any size, such as the batch */
export const shapeOf = (dimensions: readonly (number | null)[]): Shape => ({
  dim: dimensions.map((size) => ({ size: BigInt(size ?? -1) })),
});

export const attribute = {
  type: (value: DataType): Attribute => ({ value: { case: 'type', value } }),
  integer: (value: number): Attribute => ({ value: { case: 'i', value: BigInt(value) } }),
  boolean: (value: boolean): Attribute => ({ value: { case: 'b', value } }),
  text: (value: string): Attribute => ({ value: { case: 's', value: utf8.encode(value) } }),
  integers: (values: readonly number[]): Attribute => ({
    value: { case: 'list', value: { i: values.map((value) => BigInt(value)) } },
  }),
  shape: (dimensions: readonly (number | null)[]): Attribute => ({
    value: { case: 'shape', value: shapeOf(dimensions) },
  }),
  tensor: (value: MessageInitShape<typeof TensorProtoSchema>): Attribute => ({
    value: { case: 'tensor', value },
  }),
} as const;

/** The value of a decoded constant. */
export const tensorOf = (node: NodeDef | undefined): TensorProto | undefined => {
  const value = node?.attr['value']?.value;
  return value?.case === 'tensor' ? value.value : undefined;
};

/** The model cannot be written as a SavedModel without changing what it computes. */
export class ExportError extends Error {
  override readonly name = 'ExportError';

  /** @param layer name of the layer @param problem what is wrong, and what to use instead */
  constructor(layer: string, problem: string) {
    super(`Layer ${layer} cannot be exported: ${problem}`);
  }
}

/** A SavedModel that is not supported, or that violates the serving contract. */
export class SavedModelError extends Error {
  override readonly name = 'SavedModelError';
}

/** The first output of a node, by the node's name. */
export type Node = string;

const FLOAT = attribute.type(DataType.float);
const utf8 = new TextEncoder();

const bytesOf = (values: ArrayBufferView) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** How weights are stored. Half precision halves the size without changing answers, as the model card shows. */
export type WeightPrecision = 'float' | 'half';

/** The largest finite half-precision number. Node 20 has no Float16Array. */
const LARGEST_HALF = 65504;

/** A TensorFlow graph under construction. Names are unique; each method returns the new node's name. */
export class Graph {
  readonly nodes: MessageInitShape<typeof NodeDefSchema>[] = [];
  /** Number of weights that were written. */
  parameters = 0;
  readonly #names = new Set<string>();
  readonly #precision: WeightPrecision;
  #prefix = '';

  constructor(precision: WeightPrecision = 'float') {
    this.#precision = precision;
  }

  /** Runs `write`, prefixing the names of new nodes, because two networks may have nodes with the same name. */
  within<T>(prefix: string, write: () => T): T {
    const outside = this.#prefix;
    this.#prefix = `${outside}${prefix}/`;
    try {
      return write();
    } finally {
      this.#prefix = outside;
    }
  }

  /** @throws Error if the name is taken: two layers with the same name would be wired wrongly */
  add(op: string, localName: string, input: readonly Node[], attr: Record<string, Attribute> = {}): Node {
    const name = this.#prefix + localName;
    if (this.#names.has(name)) throw new Error(`The graph already has a node called ${name}.`);
    this.#names.add(name);
    this.nodes.push({ name, op, input: [...input], attr });
    return name;
  }

  placeholder(name: string, dtype: DataType, dimensions: readonly (number | null)[]): Node {
    return this.add('Placeholder', name, [], {
      dtype: attribute.type(dtype),
      shape: attribute.shape(dimensions),
    });
  }

  #constant(name: string, dtype: DataType, dimensions: readonly number[], content: Uint8Array): Node {
    const tensor = { dtype, tensorShape: shapeOf(dimensions), tensorContent: content };
    return this.add('Const', name, [], { dtype: attribute.type(dtype), value: attribute.tensor(tensor) });
  }

  integers(name: string, values: readonly number[], dimensions: readonly number[] = [values.length]): Node {
    return this.#constant(name, DataType.int32, dimensions, bytesOf(Int32Array.from(values)));
  }

  /** Numbers in full precision, regardless of the weights' precision. */
  floats(name: string, values: Float32Array, dimensions: readonly number[]): Node {
    return this.#constant(name, DataType.float, dimensions, bytesOf(values));
  }

  scalar(name: string, value: number): Node {
    return this.floats(name, Float32Array.of(value), []);
  }

  strings(name: string, values: readonly string[]): Node {
    const dtype = DataType.string;
    const tensor = {
      dtype,
      tensorShape: shapeOf([values.length]),
      stringVal: values.map((value) => utf8.encode(value)),
    };
    return this.add('Const', name, [], { dtype: attribute.type(dtype), value: attribute.tensor(tensor) });
  }

  /** Weights. With precision `half` they are stored as half and cast where they are used. */
  weights(name: string, values: Float32Array, dimensions: readonly number[]): Node {
    this.parameters += values.length;
    const largest = this.#precision === 'half' ? LARGEST_HALF : Number.MAX_VALUE;
    if (!values.every((value) => Math.abs(value) <= largest)) {
      throw new ExportError(
        name,
        'a weight is not finite, or too large for its precision. Train with a lower learning rate.',
      );
    }
    if (this.#precision === 'float') return this.floats(name, values, dimensions);
    const stored = this.#constant(
      `${name}/half`,
      DataType.half,
      dimensions,
      bytesOf(new Float16Array(values)),
    );
    return this.cast(name, stored, DataType.half, DataType.float);
  }

  cast(name: string, x: Node, from: DataType, to: DataType): Node {
    return this.add('Cast', name, [x], {
      SrcT: attribute.type(from),
      DstT: attribute.type(to),
      Truncate: attribute.boolean(false),
    });
  }

  reshape(name: string, x: Node, dimensions: readonly number[], dtype: DataType = DataType.float): Node {
    const shape = this.integers(`${name}/shape`, dimensions);
    return this.add('Reshape', name, [x, shape], {
      T: attribute.type(dtype),
      Tshape: attribute.type(DataType.int32),
    });
  }

  /** An operation with float32 inputs and output. */
  float(op: string, name: string, input: readonly Node[], attr: Record<string, Attribute> = {}): Node {
    return this.add(op, name, input, { T: FLOAT, ...attr });
  }

  /** Multiplies the last dimension by a number for each channel, and adds another. */
  scaleAndShift(name: string, x: Node, scale: Float32Array, offset: Float32Array): Node {
    const scaled = this.float('Mul', `${name}/scaled`, [
      x,
      this.weights(`${name}/scale`, scale, [scale.length]),
    ]);
    return this.float('AddV2', name, [scaled, this.weights(`${name}/offset`, offset, [offset.length])]);
  }

  /** Mean over some dimensions, which are removed. */
  mean(name: string, x: Node, axes: readonly number[]): Node {
    return this.float('Mean', name, [x, this.integers(`${name}/axes`, axes)], {
      Tidx: attribute.type(DataType.int32),
      keep_dims: attribute.boolean(false),
    });
  }
}
