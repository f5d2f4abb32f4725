import { z } from 'zod';

/** Parts of TensorFlow's GraphDef in the JSON mapping of protobuf, as TensorFlow.js keeps them in `model.json`. */

/** A 64-bit integer is a string there. */
const integer = z.union([z.string(), z.number()]).transform(Number).pipe(z.int());

const attributeSchema = z.looseObject({
  /** Bytes, in base64. */
  s: z.string().exactOptional(),
  i: integer.exactOptional(),
  f: z.number().exactOptional(),
  b: z.boolean().exactOptional(),
  list: z
    .looseObject({ s: z.array(z.string()).exactOptional(), i: z.array(integer).exactOptional() })
    .exactOptional(),
  shape: z
    .looseObject({
      dim: z.array(z.looseObject({ size: integer.exactOptional() })).exactOptional(),
      unknownRank: z.boolean().exactOptional(),
    })
    .exactOptional(),
});

const nodeSchema = z.looseObject({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), attributeSchema).default({}),
});

export const graphDefSchema = z.looseObject({ node: z.array(nodeSchema).min(1) });

export type GraphDef = z.infer<typeof graphDefSchema>;
export type GraphDefNode = z.infer<typeof nodeSchema>;
