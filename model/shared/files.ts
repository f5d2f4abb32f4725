import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Whether a file or folder is not there. */
export const isNotFound = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** @returns nothing when there is no such file */
export const readFileIfExists = (file: string): Promise<Buffer | undefined> =>
  readFile(file).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });

/** @returns no entries when there is no such folder */
export const readdirIfExists = (directory: string) =>
  readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });

/** Writes files by their names below a folder, which is made. */
export const writeFiles = async (
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
};

/** Takes away what lies in a folder, but not the folder: SageMaker mounts its own. */
export const emptyFolder = async (directory: string): Promise<void> => {
  for (const { name } of await readdirIfExists(directory))
    await rm(path.join(directory, name), { recursive: true });
};

/** Pretty, with a newline at its end. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

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
