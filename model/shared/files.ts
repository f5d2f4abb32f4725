import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Whether an error says that a file or folder does not exist. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

const unlessNotFound =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (isNotFound(error)) return otherwise;
    throw error;
  };

/** @returns undefined if there is no such file */
export const readFileIfExists = (file: string): Promise<Buffer | undefined> =>
  readFile(file).catch(unlessNotFound(undefined));

/** @returns an empty list if there is no such folder */
export const readdirIfExists = (directory: string) =>
  readdir(directory, { withFileTypes: true }).catch(unlessNotFound([]));

export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/** A folder's entries by name, without hidden ones and broken links. Other links are followed. */
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

/** Writes files, by name, into a folder, which is created. */
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

interface ReplaceOptions {
  /** Temporary file in the same folder. One left behind by a killed process is overwritten. @default `<file>.tmp` */
  readonly temporary?: string;
  /** Flushes the content to disk before returning. @default false */
  readonly flush?: boolean;
}

const flushFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
};

/** Replaces a file atomically: it has the old or the new content even if the process is killed. Creates its folder. */
export const replaceFile = async (
  file: string,
  content: string | Uint8Array,
  { temporary = `${file}.tmp`, flush = false }: ReplaceOptions = {},
): Promise<void> => {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      if (flush) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (flush) await flushFolder(folder);
};

/** Deletes the content of a folder, but not the folder, which may be a mount point of SageMaker's. */
export const emptyFolder = async (directory: string): Promise<void> => {
  for (const { name } of await readdirIfExists(directory))
    await rm(path.join(directory, name), { recursive: true });
};

/** Formatted JSON with a trailing newline. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
