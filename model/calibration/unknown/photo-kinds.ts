import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PhotoError } from '../../photo/errors.ts';
import { readPhoto } from '../../photo/read-photo.ts';
import { listFolder } from '../../shared/files.ts';
import type { UnknownPhotos } from './unknown-photos.ts';

const folders = async (directory: string): Promise<string[]> =>
  (
    await listFolder(directory).catch((cause: unknown) => {
      throw new Error(
        `${directory} cannot be read. Photos of other things must lie in choosing/<kind>/ and measuring/<kind>/.`,
        { cause },
      );
    })
  )
    .filter(({ kind }) => kind === 'folder')
    .map(({ name }) => name);

const readAll = async (directory: string): Promise<Uint8Array[]> => {
  const photos: Uint8Array[] = [];
  for (const { name, kind } of await listFolder(directory)) {
    if (kind !== 'file') continue;
    try {
      photos.push(await readPhoto(await readFile(path.join(directory, name))));
    } catch (error) {
      // The service would refuse it before any model sees it.
      if (!(error instanceof PhotoError)) throw error;
    }
  }
  return photos;
};

/**
 * Reads `<root>/choosing/<kind>/*` and `<root>/measuring/<kind>/*`: photos that show none of the classes. Files that the
 * service would not accept are left out, and so are kinds without photos.
 *
 * @throws Error that says where the photos must lie
 */
export const photoKinds = async (root: string): Promise<UnknownPhotos[]> => {
  const kinds: UnknownPhotos[] = [];
  for (const purpose of ['choosing', 'measuring'] as const) {
    for (const kind of await folders(path.join(root, purpose))) {
      const photos = await readAll(path.join(root, purpose, kind));
      // Of nothing there is no share that is refused.
      if (photos.length > 0) kinds.push({ kind, purpose, source: 'photos', photos });
    }
  }
  return kinds;
};
