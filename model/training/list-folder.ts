import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/**
 * What lies in a folder, by name; a link is what it leads to, because people gather photos by links, too. Hidden entries
 * and links that lead nowhere are left out.
 */
export const listFolder = async (folder: string): Promise<FolderEntry[]> => {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  const entries = await Promise.all(
    names.map(async (name): Promise<FolderEntry[]> => {
      const found = await stat(path.join(folder, name)).catch(() => undefined);
      if (found?.isDirectory()) return [{ name, kind: 'folder' }];
      return found?.isFile() ? [{ name, kind: 'file' }] : [];
    }),
  );
  return entries.flat();
};
