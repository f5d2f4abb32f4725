import path from 'node:path';
import { listSubfolders, readPhotoFiles, type Subfolder } from '../../data/dataset.ts';
import { PhotoError } from '../../photo/errors.ts';
import type { UnknownPhotos } from './unknown-photos.ts';

const subfolders = (directory: string): Promise<Subfolder[]> =>
  listSubfolders(directory).catch((cause: unknown) => {
    throw new Error(
      `${directory} cannot be read. Photos of other things must lie in choosing/<kind>/ and measuring/<kind>/.`,
      { cause },
    );
  });

const readAll = async (directory: string, { entries }: Subfolder): Promise<Uint8Array[]> => {
  const files = entries.filter(({ kind }) => kind === 'file').map(({ name }) => path.join(directory, name));
  return (await readPhotoFiles(files)).flatMap((result) => {
    if ('pixels' in result) return [result.pixels];
    // The service would refuse it before any model sees it.
    if (result.error instanceof PhotoError) return [];
    throw result.error;
  });
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
    for (const folder of await subfolders(path.join(root, purpose))) {
      const photos = await readAll(path.join(root, purpose, folder.name), folder);
      // Of nothing there is no share that is refused.
      if (photos.length > 0) kinds.push({ kind: folder.name, purpose, source: 'photos', photos });
    }
  }
  return kinds;
};
