import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DataType } from './data-types.ts';
import type { AttrValueSchema, TensorProtoSchema, TensorShapeProtoSchema } from './proto/tensorflow_pb.ts';

/** An attribute of a node, as the protobuf library takes it. */
export type Attribute = MessageInitShape<typeof AttrValueSchema>;
type Shape = MessageInitShape<typeof TensorShapeProtoSchema>;

const utf8 = new TextEncoder();

/** @param dimensions `null`: any size, such as the batch */
export const shapeOf = (dimensions: readonly (number | null)[]): Shape => ({
  dim: dimensions.map((size) => ({ size: BigInt(size ?? -1) })),
});

/** Attributes by what they hold. */
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
