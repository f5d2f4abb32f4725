import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { CATALOGUE_FILE, type Catalogue, parseCatalogue } from '../contract/catalogue.ts';
import { readPhoto } from '../photo/read-photo.ts';
import { readFileIfExists } from '../shared/files.ts';
import { progressReporter, type ReportProgress } from '../shared/progress.ts';
import { errorText, pluralize } from '../shared/text.ts';
import { describeLayoutProblem, listClassFolders } from './class-folders.ts';

/** A labelled photo in the format of the model's input. */
export interface Example {
  /** Path relative to the dataset's folder. */
  readonly file: string;
  /** Index into {@link Dataset.labels}. */
  readonly label: number;
  /** uint8 RGB, `224 * 224 * 3`. */
  readonly pixels: Uint8Array;
  /** SHA-256 of the pixels, in hexadecimal: equal for the same picture, whatever its file name. */
  readonly content: string;
}

/** A file that was left out, and why. */
interface Skipped {
  readonly file: string;
  readonly reason: string;
}

export interface Dataset {
  /** The names of the class folders, sorted, in the order of the model's outputs. */
  readonly labels: readonly string[];
  readonly examples: readonly Example[];
  readonly skipped: readonly Skipped[];
  /** Names and descriptions of the classes, from `catalogue.json` next to their folders. */
  readonly catalogue?: Catalogue | undefined;
}

interface ReadOptions {
  /** A file that names photos to leave out. @default `excluded.json` in the folder, if it exists */
  readonly exclude?: string | undefined;
  /** Called after each file. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Used automatically if it is next to the class folders, also in a channel of a SageMaker job. */
const EXCLUSIONS_FILE = 'excluded.json';

/** By class and file name: what the photo shows instead of its class. */
const exclusionsSchema = z.record(z.string(), z.record(z.string(), z.string().min(1)));

/**
 * Photos that a training leaves out, such as wrongly labelled ones: `{ "tulip": { "17.jpg": "leaves" } }`.
 *
 * `flowers-16-excluded.json` in this folder is the result of looking at all 6,400 photos of the sixteen flowers, 64 to
 * 100 on a sheet, and again at enlarged ones in doubt. It names photos that clearly show another plant or no flower.
 * Photos that are only difficult stay, because leaving out what a model doubts made it worse. Some genera in it are
 * guesses.
 *
 * @param optional whether the file may be missing
 * @returns paths relative to the dataset's folder
 * @throws Error that says what the file must contain
 */
export const readExclusions = async (
  file: string,
  { optional }: { readonly optional: boolean },
): Promise<ReadonlySet<string>> => {
  const text = await readFileIfExists(file);
  if (text === undefined && optional) return new Set();
  try {
    if (text === undefined) throw new Error('There is no such file.');
    const classes = exclusionsSchema.parse(JSON.parse(text.toString()));
    return new Set(
      Object.entries(classes).flatMap(([name, files]) =>
        Object.keys(files).map((each) => path.join(name, each)),
      ),
    );
  } catch (cause) {
    throw new Error(
      `${file} cannot be read as a list of photos to leave out. It must be an object of classes, each with file names and reasons: {"tulip": {"17.jpg": "leaves"}}. ${errorText(cause)}`,
      { cause },
    );
  }
};

/** Photos decoded concurrently; each waits for libuv's pool of four threads. */
const CONCURRENCY = 4;

/**
 * Reads files through the photo contract, several concurrently.
 *
 * @returns the pixels of each file, or why it cannot be used, in the same order
 */
export const readPhotoFiles = async (
  files: readonly string[],
  { onProgress }: Pick<ReadOptions, 'onProgress'>,
): Promise<PromiseSettledResult<Uint8Array>[]> => {
  const results: PromiseSettledResult<Uint8Array>[] = [];
  const queue = files.entries();
  let done = 0;
  const worker = async () => {
    // All workers take from one iterator.
    for (const [index, file] of queue) {
      [results[index]] = await Promise.allSettled([readFile(file).then(readPhoto)]);
      done += 1;
      onProgress?.(done, files.length);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
};

/** Removes copies; a picture in two classes is contradictory and is left out of both. */
const withoutDuplicates = (examples: readonly Example[]): { kept: Example[]; skipped: Skipped[] } => {
  const byContent = new Map<string, Example[]>();
  for (const example of examples) {
    byContent.set(example.content, [...(byContent.get(example.content) ?? []), example]);
  }
  const kept: Example[] = [];
  const skipped: Skipped[] = [];
  for (const same of byContent.values()) {
    const [first, ...copies] = same;
    if (first === undefined) continue;
    const contradicting = copies.find((copy) => copy.label !== first.label);
    if (!contradicting) kept.push(first);
    const reason = contradicting
      ? `the same picture is in two classes (${first.file}, ${contradicting.file})`
      : `a copy of ${first.file}`;
    for (const { file } of contradicting ? same : copies) skipped.push({ file, reason });
  }
  return { kept, skipped };
};

/**
 * Reads `<root>/<class>/*` through the photo contract. Labels are the folder names. Files that cannot be read and
 * copies are left out and reported. `<root>/catalogue.json`, if there is one, names and describes the classes.
 *
 * @throws Error if the catalogue is invalid
 * @throws Error if fewer than two classes have photos, so that there is nothing to distinguish
 */
export const readDataset = async (root: string, options: ReadOptions = {}): Promise<Dataset> => {
  const problem = await describeLayoutProblem(root).catch((cause: unknown) => {
    throw new Error(
      `The dataset folder ${root} cannot be read. Give --data a folder with one folder of photos per class.`,
      { cause },
    );
  });
  if (problem !== undefined) throw new Error(problem);
  const { classes, passedOver: skipped } = await listClassFolders(root);
  const labels = classes.map(({ name }) => name);
  if (labels.length < 2)
    throw new Error(
      `The dataset ${root} needs at least two folders, each with the photos of a class; it has ${labels.length === 0 ? 'none' : 'only one'}.`,
    );
  const catalogueFile = path.join(root, CATALOGUE_FILE);
  const json = await readFileIfExists(catalogueFile);
  const catalogue = json && parseCatalogue(json.toString('utf8'), catalogueFile);
  const exclude = options.exclude ?? path.join(root, EXCLUSIONS_FILE);
  const excluded = await readExclusions(exclude, { optional: options.exclude === undefined });
  const photos: { readonly file: string; readonly label: number }[] = [];
  let left = 0;
  for (const [label, { name, entries }] of classes.entries())
    for (const entry of entries) {
      const file = path.join(name, entry.name);
      if (excluded.has(file)) left += 1;
      else if (entry.kind === 'file') photos.push({ file, label });
      else skipped.push({ file, reason: 'a folder: photos must be directly in the folder of their class' });
    }
  if (left > 0)
    skipped.push({ file: path.basename(exclude), reason: `${pluralize(left, 'file')} that it names` });
  const results = await readPhotoFiles(
    photos.map(({ file }) => path.join(root, file)),
    options,
  );
  const examples: Example[] = [];
  photos.forEach(({ file, label }, index) => {
    const result = results[index];
    if (result?.status === 'fulfilled') {
      const content = createHash('sha256').update(result.value).digest('hex');
      examples.push({ file, label, pixels: result.value, content });
    } else skipped.push({ file, reason: errorText(result?.reason) });
  });
  const { kept, skipped: copies } = withoutDuplicates(examples);
  const empty = labels.filter((_, label) => !kept.some((example) => example.label === label));
  if (empty.length > 0)
    throw new Error(
      `The dataset ${root} has classes without usable photos: ${empty.join(', ')}. Put JPEG, PNG or WebP photos into their folders, or remove the folders.`,
    );
  return { labels, examples: kept, skipped: [...skipped, ...copies], catalogue };
};

interface LoggedReadOptions extends Pick<ReadOptions, 'exclude'> {
  /** A description of the folder for messages, such as "channel train". */
  readonly name: string;
  readonly log: (text: string) => void;
  /** Receives warnings. */
  readonly warn: (text: string) => void;
  /** Ends the reading, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** @default lines of the log */
  readonly report?: ReportProgress;
}

/**
 * Reads a dataset for a training or a job, and logs what was left out.
 *
 * @throws Error that names the classes without readable photos, and says what to do
 */
export const readLoggedDataset = async (
  directory: string,
  { name, exclude, log, warn, signal, report = progressReporter(log) }: LoggedReadOptions,
): Promise<Dataset> => {
  const onProgress = (done: number, total: number) => {
    signal?.throwIfAborted();
    report(`Reading the ${name}, files`, done, total);
  };
  const dataset = await readDataset(directory, { exclude, onProgress }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new Error(`The ${name} cannot be used. ${errorText(error)}`, { cause: error });
  });
  const { labels, examples, skipped } = dataset;
  log(`The ${name} has ${examples.length} photos of ${labels.length} classes: ${labels.join(', ')}.`);
  const [first] = skipped;
  if (first) {
    warn(
      `Left out of the ${name}: ${pluralize(skipped.length, 'file')}, such as ${first.file}: ${first.reason}`,
    );
  }
  for (const { file, reason } of skipped) log(`  left out ${file}: ${reason}`);
  return dataset;
};
