import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Example } from './dataset.ts';
import type { Values } from './tensor-file.ts';

/** What decides a training's result: hashes, in hex, of each kind of input. */
export const fingerprintSchema = z.object({
  photos: z.string(),
  options: z.string(),
  weights: z.string(),
});

export type Fingerprint = Readonly<z.infer<typeof fingerprintSchema>>;

const NAMES: Readonly<Record<keyof Fingerprint, string>> = {
  photos: 'its photos',
  options: 'its options',
  weights: 'the weights it started from',
};

const hash = (parts: Iterable<string | Uint8Array>): string => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest('hex');
};

const listed = (examples: readonly Example[]) =>
  examples.map(({ label, content }) => `${label} ${content}\n`);

/**
 * @param options anything that JSON can write
 * @param weights those that the network starts from, which its architecture and seed decide too
 */
export const fingerprintOf = (input: {
  readonly examples: readonly Example[];
  readonly validation: readonly Example[];
  readonly options: unknown;
  readonly weights: Values;
}): Fingerprint => ({
  photos: hash([...listed(input.examples), 'validation\n', ...listed(input.validation)]),
  options: hash([JSON.stringify(input.options)]),
  weights: hash(
    input.weights.flatMap(({ buffer, byteOffset, byteLength }) => [
      `${byteLength}\n`,
      new Uint8Array(buffer, byteOffset, byteLength),
    ]),
  ),
});

/** In what two trainings differ, in words. */
export const differences = (a: Fingerprint, b: Fingerprint): string[] => {
  const keys = ['photos', 'options', 'weights'] as const;
  return keys.filter((key) => a[key] !== b[key]).map((key) => NAMES[key]);
};
