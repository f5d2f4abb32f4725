import { readPhoto } from '../../photo/read-photo.ts';
import { seededRandom } from '../../random.ts';
import { drawing } from '../../report/drawing.ts';
import type { Draw } from './canvas.ts';

/** A drawing as the file that a person would send. */
export const drawFile = (draw: Draw, seed: number): Promise<Buffer> =>
  drawing(draw(seededRandom(seed)))
    .flatten({ background: 'white' })
    .jpeg({ quality: 90 })
    .toBuffer();

/**
 * Pictures of one kind, as the model reads photos. Texts are drawn with the fonts of the machine; all else is the
 * same everywhere.
 *
 * @returns `count` times uint8 RGB, `224 * 224 * 3`
 */
export const drawPhotos = (draw: Draw, count: number, seed = 1): Promise<Uint8Array[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => readPhoto(await drawFile(draw, seed * 10_000 + index))),
  );
