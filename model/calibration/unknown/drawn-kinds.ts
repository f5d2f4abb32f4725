import { drawPhotos } from './draw.ts';
import { UNKNOWN_KINDS } from './kinds.ts';
import type { UnknownPhotos } from './unknown-photos.ts';

/** Every kind that code can draw, `count` pictures of each. */
export const drawnKinds = async (count: number): Promise<UnknownPhotos[]> => {
  const kinds: UnknownPhotos[] = [];
  for (const { name, purpose, draw } of UNKNOWN_KINDS) {
    kinds.push({ kind: name, purpose, source: 'drawn', photos: await drawPhotos(draw, count) });
  }
  return kinds;
};
