import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { z } from 'zod';

/** The float32 values of tensors, whose shapes the reader knows. */
export type WeightValues = readonly Float32Array[];

/** Tensors by group, with a header that describes them. */
interface WeightsFile {
  /** Any JSON value. */
  readonly header: unknown;
  readonly groups: Readonly<Record<string, WeightValues>>;
}

/**
 * The file's second line; the first is the SHA-256 of everything after it, to detect damaged files. After them come the
 * tensors' bytes in the machine's order: little-endian wherever Node.js and TensorFlow run.
 */
const contentsSchema = z.object({
  header: z.unknown(),
  groups: z.record(z.string(), z.array(z.int().nonnegative())),
});

const NEWLINE = 0x0a;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

export const encodeWeightsFile = ({ header, groups }: WeightsFile): Uint8Array => {
  const lengths = Object.entries(groups).map(([name, values]) => [name, values.map(({ length }) => length)]);
  const contents: z.infer<typeof contentsSchema> = { header, groups: Object.fromEntries(lengths) };
  const tensors = Object.values(groups).flat().map(bytesOf);
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(contents)}\n`), ...tensors]);
  return Buffer.concat([Buffer.from(`${digest(body)}\n`), body]);
};

/** @returns undefined if the file is incomplete or damaged */
export const decodeWeightsFile = (bytes: Uint8Array): WeightsFile | undefined => {
  const bodyStart = bytes.indexOf(NEWLINE) + 1;
  const body = bytes.subarray(bodyStart);
  if (new TextDecoder().decode(bytes.subarray(0, Math.max(0, bodyStart - 1))) !== digest(body))
    return undefined;
  const tensorStart = body.indexOf(NEWLINE) + 1;
  const parsed = contentsSchema.safeParse(
    JSON.parse(new TextDecoder().decode(body.subarray(0, tensorStart))),
  );
  if (!parsed.success) return undefined;
  // A copy, because a Float32Array must start at a multiple of four.
  const numbers = new Float32Array(new Uint8Array(body.subarray(tensorStart)).buffer);
  let start = 0;
  const take = (length: number) => {
    start += length;
    return numbers.subarray(start - length, start);
  };
  const groups = Object.entries(parsed.data.groups).map(([name, lengths]) => [name, lengths.map(take)]);
  return { header: parsed.data.header, groups: Object.fromEntries(groups) };
};

/** The values of tensors, copied from TensorFlow.js. */
export const readValues = (tensors: readonly tf.Tensor[]): Promise<WeightValues> =>
  Promise.all(tensors.map(async (tensor) => Float32Array.from(await tensor.data())));

/** Calls `write` with each tensor's index and a new tensor of the same shape. */
const forEach = (
  tensors: readonly tf.Tensor[],
  values: WeightValues,
  write: (index: number, tensor: tf.Tensor) => void,
): void => {
  if (values.length !== tensors.length)
    throw new Error(`The network has ${tensors.length} weights, not ${values.length}.`);
  tf.tidy(() =>
    tensors.forEach(({ shape, size }, index) => {
      const numbers = values[index];
      if (numbers?.length !== size)
        throw new Error(`Weight ${index} of the network has ${size} numbers, not ${numbers?.length}.`);
      write(index, tf.tensor(numbers, shape, 'float32'));
    }),
  );
};

/** @throws Error if the values do not fit the tensors */
export const assignValues = (variables: readonly tf.Variable[], values: WeightValues): void =>
  forEach(variables, values, (index, tensor) => variables[index]?.assign(tensor));

/** @throws Error if the values do not fit the weights */
export const writeValues = (weights: readonly LayerVariable[], values: WeightValues): void =>
  forEach(
    weights.map((weight) => weight.read()),
    values,
    (index, tensor) => weights[index]?.write(tensor),
  );
