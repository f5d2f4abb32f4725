import path from 'node:path';
import { pluralize } from '../shared/text.ts';
import { type Dataset, readDataset } from '../training/dataset.ts';
import { type FolderEntry, listFolder } from '../training/list-folder.ts';
import { isMissing } from './files.ts';

const PROGRESS_EVERY = 1000;

const noneIfMissing = (error: unknown): FolderEntry[] => {
  if (isMissing(error)) return [];
  throw error;
};

/** Whether a folder has classes with files in them, as opposed to nothing or just a note. */
export const holdsPhotos = async (directory: string): Promise<boolean> => {
  const classes = (await listFolder(directory).catch(noneIfMissing)).filter(({ kind }) => kind === 'folder');
  const inside = await Promise.all(classes.map(({ name }) => listFolder(path.join(directory, name))));
  return inside.flat().some(({ kind }) => kind === 'file');
};

export interface PhotoFolderOptions {
  /** What to call the folder, such as "channel train". */
  readonly name: string;
  readonly say: (text: string) => void;
  /** Told what a person should look at, even one who does not read everything. */
  readonly warn: (text: string) => void;
  /** Aborted, it ends the reading with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads `<directory>/<class>/<photo>` and says what was left out.
 *
 * @throws Error that names the classes without readable photos, and says what to do
 */
export const readPhotoFolder = async (
  directory: string,
  { name, say, warn, signal }: PhotoFolderOptions,
): Promise<Dataset> => {
  const onProgress = (done: number, total: number) => {
    signal?.throwIfAborted();
    if (done % PROGRESS_EVERY === 0) say(`Read ${done} of ${total} files of the ${name}.`);
  };
  const dataset = await readDataset(directory, { onProgress }).catch((error: unknown) => {
    signal?.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`The ${name} cannot be used. ${message}`, { cause: error });
  });
  say(
    `The ${name} has ${dataset.examples.length} photos of ${dataset.labels.length} classes: ${dataset.labels.join(', ')}.`,
  );
  const [first] = dataset.skipped;
  if (first) {
    warn(
      `Left out of the ${name}: ${pluralize(dataset.skipped.length, 'file')}, such as ${first.file}: ${first.reason}`,
    );
  }
  for (const { file, reason } of dataset.skipped) say(`  left out ${file}: ${reason}`);
  return dataset;
};
