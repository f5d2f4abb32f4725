import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { counted } from '../counted.ts';
import { readPhoto } from '../photo/read-photo.ts';
import { type FolderEntry, isNotFound, listFolder } from '../shared/files.ts';

/** A photo as the model reads it. */
export interface Example {
  /** Where it came from, relative to the dataset's folder. */
  readonly file: string;
  /** Index into {@link Dataset.labels}. */
  readonly label: number;
  /** uint8 RGB, `224 * 224 * 3`. */
  readonly pixels: Uint8Array;
  /** SHA-256 of the pixels, hex: equal for the same picture, whatever its file is called. */
  readonly content: string;
}

/** A file that was left out, and why. */
interface Skipped {
  readonly file: string;
  readonly reason: string;
}

export interface Dataset {
  /** The folder names, sorted; their order is the order of the model's outputs. */
  readonly labels: readonly string[];
  readonly examples: readonly Example[];
  readonly skipped: readonly Skipped[];
}

interface ReadOptions {
  /** Called after each file. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Photos decoded side by side; each waits on libuv's pool of four threads. */
const CONCURRENCY = 4;

interface Listed {
  readonly labels: readonly string[];
  readonly files: readonly { readonly file: string; readonly label: number }[];
  /** Folders in those of the classes: what lies deeper is not read. */
  readonly deeper: readonly Skipped[];
}

const listFiles = async (root: string): Promise<Listed> => {
  const entries = await listFolder(root).catch((error: unknown) => {
    throw new Error(
      `The dataset folder ${root} cannot be read. Give --data a folder that holds one folder of photos per class.`,
      {
        cause: error,
      },
    );
  });
  const labels = entries.filter(({ kind }) => kind === 'folder').map(({ name }) => name);
  const inside = await Promise.all(
    labels.map(async (name, label) =>
      (await listFolder(path.join(root, name))).map((entry) => ({
        file: path.join(name, entry.name),
        label,
        kind: entry.kind,
      })),
    ),
  );
  const all = inside.flat();
  return {
    labels,
    files: all.filter(({ kind }) => kind === 'file'),
    deeper: all
      .filter(({ kind }) => kind === 'folder')
      .map(({ file }) => ({
        file,
        reason: 'a folder: photos must lie directly in the folder of their class',
      })),
  };
};

const readExample = async (root: string, file: string, label: number): Promise<Example | Skipped> => {
  try {
    const pixels = await readPhoto(await readFile(path.join(root, file)));
    return { file, label, pixels, content: createHash('sha256').update(pixels).digest('hex') };
  } catch (error) {
    return { file, reason: error instanceof Error ? error.message : String(error) };
  }
};

/** Keeps one of each picture; a picture that lies in two classes teaches nothing and is left out of both. */
const withoutDuplicates = (examples: readonly Example[]): { kept: Example[]; skipped: Skipped[] } => {
  const byContent = new Map<string, Example[]>();
  for (const example of examples) {
    byContent.set(example.content, [...(byContent.get(example.content) ?? []), example]);
  }
  const kept: Example[] = [];
  const skipped: Skipped[] = [];
  for (const [first, ...copies] of byContent.values()) {
    if (first === undefined) continue;
    const contradicting = copies.find((copy) => copy.label !== first.label);
    if (contradicting) {
      const reason = `the same picture lies in two classes (${first.file}, ${contradicting.file})`;
      skipped.push(...[first, ...copies].map(({ file }) => ({ file, reason })));
      continue;
    }
    kept.push(first);
    skipped.push(...copies.map(({ file }) => ({ file, reason: `a copy of ${first.file}` })));
  }
  return { kept, skipped };
};

/**
 * Reads `<root>/<class>/*` through the photo contract. Labels are the folder names. Files that cannot be read and
 * copies are left out and reported.
 *
 * @throws Error when fewer than two classes have photos: there is nothing to tell apart
 */
export const readDataset = async (root: string, { onProgress }: ReadOptions = {}): Promise<Dataset> => {
  const { labels, files, deeper } = await listFiles(root);
  const results: (Example | Skipped)[] = [];
  let next = 0;
  let done = 0;
  const worker = async () => {
    for (let index = next++; index < files.length; index = next++) {
      const entry = files[index];
      if (entry === undefined) return;
      results[index] = await readExample(root, entry.file, entry.label);
      done += 1;
      onProgress?.(done, files.length);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const read = results.filter((result) => 'pixels' in result);
  const unreadable = results.filter((result) => 'reason' in result);
  const { kept, skipped } = withoutDuplicates(read);
  const empty = labels.filter((_, label) => !kept.some((example) => example.label === label));
  if (labels.length < 2)
    throw new Error(
      `The dataset ${root} needs at least two folders, each with the photos of a class; it has ${labels.length === 0 ? 'none' : 'only one'}.`,
    );
  if (empty.length > 0)
    throw new Error(
      `The dataset ${root} has classes without usable photos: ${empty.join(', ')}. Put JPEG, PNG or WebP photos into their folders, or take the folders away.`,
    );
  return { labels, examples: kept, skipped: [...deeper, ...unreadable, ...skipped] };
};

const PROGRESS_EVERY = 1000;

const noneIfMissing = (error: unknown): FolderEntry[] => {
  if (isNotFound(error)) return [];
  throw error;
};

/** Whether a folder has classes with files in them, as opposed to nothing or just a note. */
export const containsPhotos = async (directory: string): Promise<boolean> => {
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
      `Left out of the ${name}: ${counted(dataset.skipped.length, 'file')}, such as ${first.file}: ${first.reason}`,
    );
  }
  for (const { file, reason } of dataset.skipped) say(`  left out ${file}: ${reason}`);
  return dataset;
};
