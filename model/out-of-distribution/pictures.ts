import path from 'node:path';
import { readPhotoFiles } from '../data/dataset.ts';
import { readPhoto } from '../photo/read-photo.ts';
import { listFolder } from '../shared/files.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { seededRandom } from '../shared/random.ts';
import { rasterize } from '../shared/svg.ts';
import { DRAWN_KINDS, type Draw } from './drawings.ts';

/** Pictures that show none of the classes. */
export interface OodPhotos {
  readonly kind: string;
  readonly source: 'drawn' | 'photos';
  readonly photos: readonly Uint8Array[];
}

/** A drawing as an image file. */
export const drawFile = (draw: Draw, seed: number): Promise<Buffer> =>
  rasterize(draw(seededRandom(seed)))
    .flatten({ background: 'white' })
    .jpeg({ quality: 90 })
    .toBuffer();

/**
 * Pictures of one kind in the format of the model's input. They are the same on every system, except for the fonts of
 * texts.
 *
 * @returns `count` times uint8 RGB, `224 * 224 * 3`
 */
export const drawPhotos = (draw: Draw, count: number, seed = 1): Promise<Uint8Array[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => readPhoto(await drawFile(draw, seed * 10_000 + index))),
  );

/** `count` pictures of each kind of drawing. */
export const drawKinds = async (count: number): Promise<OodPhotos[]> => {
  const kinds: OodPhotos[] = [];
  for (const { name, draw } of DRAWN_KINDS) {
    kinds.push({ kind: name, source: 'drawn', photos: await drawPhotos(draw, count) });
  }
  return kinds;
};

/**
 * Reads `<root>/<kind>/*`, photos that show none of the classes, without files that the service would refuse and
 * without empty kinds.
 *
 * @throws Error that says where the photos must be
 */
export const readPhotoKinds = async (root: string, onProgress?: ReportProgress): Promise<OodPhotos[]> => {
  const entries = await listFolder(root).catch((cause: unknown) => {
    throw new Error(
      `${root} cannot be read. It must hold a folder of photos for each kind of other things.`,
      {
        cause,
      },
    );
  });
  const kinds: OodPhotos[] = [];
  for (const { name } of entries.filter(({ kind }) => kind === 'folder')) {
    const files = (await listFolder(path.join(root, name))).filter(({ kind }) => kind === 'file');
    const read = await readPhotoFiles(
      files.map((file) => path.join(root, name, file.name)),
      { onProgress: (done, total) => onProgress?.(`Reading photos of other things (${name})`, done, total) },
    );
    const photos = read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    // Without photos there is no rejection rate.
    if (photos.length > 0) kinds.push({ kind: name, source: 'photos', photos });
  }
  return kinds;
};
