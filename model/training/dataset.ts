import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readPhoto } from '../photo/read-photo.ts';
import { listFolder } from './list-folder.ts';

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
export interface Skipped {
  readonly file: string;
  readonly reason: string;
}

export interface Dataset {
  /** The folder names, sorted; their order is the order of the model's outputs. */
  readonly labels: readonly string[];
  readonly examples: readonly Example[];
  readonly skipped: readonly Skipped[];
}

export interface ReadOptions {
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
