import { createHash } from 'node:crypto';
import { z } from 'zod';

/** The numbers of tensors, float32 each, whose shapes the reader knows. */
export type Values = readonly Float32Array[];

/** Tensors by group, and what is to be known of them. */
export interface TensorFile {
  /** Any JSON value. */
  readonly header: unknown;
  readonly groups: Readonly<Record<string, Values>>;
}

/**
 * The file's second line; the first is the SHA-256 of all after it, so that a torn file is told from a whole one. After
 * them come the tensors' bytes, in the machine's order: little-endian, wherever Node.js and TensorFlow run.
 */
const contentsSchema = z.object({
  header: z.unknown(),
  groups: z.record(z.string(), z.array(z.int().nonnegative())),
});

const NEWLINE = 0x0a;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

export const encodeTensorFile = ({ header, groups }: TensorFile): Uint8Array => {
  const lengths = Object.entries(groups).map(([name, values]) => [name, values.map(({ length }) => length)]);
  const contents: z.infer<typeof contentsSchema> = { header, groups: Object.fromEntries(lengths) };
  const tensors = Object.values(groups).flat().map(bytesOf);
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(contents)}\n`), ...tensors]);
  return Buffer.concat([Buffer.from(`${digest(body)}\n`), body]);
};

/** @returns nothing when the bytes are not those of a whole file */
export const decodeTensorFile = (bytes: Uint8Array): TensorFile | undefined => {
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
