import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Float16Array } from '@petamoriken/float16';
import type { Backbone } from '../backbone/backbone.ts';
import { readFileIfExists } from '../shared/files.ts';
import { type ClassGaussians, fitBackground } from './known-score.ts';

/** The Gaussian of photos of anything, for one backbone, in a file next to it or among these. */
export const SHIPPED = fileURLToPath(new URL('backgrounds', import.meta.url));

type Described = Pick<Backbone, 'key' | 'features'>;

/** The file's name, which identifies the backbone, the side of photos and their range. */
const fileName = ({ key }: Described): string =>
  `background-${createHash('sha256').update(key).digest('hex').slice(0, 32)}.f16`;

/**
 * The mean, then the rows of the covariance's Cholesky factor up to its diagonal, in half precision: little-endian
 * wherever Node.js runs.
 */
export const encodeBackground = (backbone: Described, photos: readonly ArrayLike<number>[]) => {
  const { mean, lower } = fitBackground(photos);
  const rows = [...mean.keys()].flatMap((row) => {
    const start = row * mean.length;
    return [...lower.subarray(start, start + row + 1)];
  });
  return { name: fileName(backbone), content: new Uint8Array(new Float16Array([...mean, ...rows]).buffer) };
};

/**
 * Reads the background of a backbone, which `scripts/background.ts` makes.
 *
 * @param directory the backbone's folder
 * @returns undefined if there is none for this use of it
 * @throws Error if the file is damaged
 */
export const readBackground = async (
  directory: string,
  backbone: Described,
): Promise<ClassGaussians | undefined> => {
  for (const folder of [directory, SHIPPED]) {
    const file = path.join(folder, fileName(backbone));
    const bytes = await readFileIfExists(file);
    if (!bytes) continue;
    const { features: size } = backbone;
    if (bytes.length !== size * (size + 3))
      throw new Error(`${file} is damaged: delete it, or make it again with scripts/background.ts.`);
    const numbers = Float64Array.from(new Float16Array(Uint8Array.from(bytes).buffer));
    const lower = new Float64Array(size * size);
    for (let row = 0, start = size; row < size; start += ++row)
      lower.set(numbers.subarray(start, start + row + 1), row * size);
    return { mean: numbers.subarray(0, size), lower, centres: [new Float64Array(size)] };
  }
  return undefined;
};
