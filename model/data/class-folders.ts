import path from 'node:path';
import { type FolderEntry, isNotFound, listFolder } from '../shared/files.ts';

/** A folder of the dataset, and its entries. */
export interface ClassFolder {
  readonly name: string;
  readonly entries: readonly FolderEntry[];
}

interface ClassFolders {
  readonly classes: readonly ClassFolder[];
  /** Folders that are not classes, and why. */
  readonly passedOver: { readonly file: string; readonly reason: string }[];
}

/** Folders that archives, network drives and Windows create. */
const SYSTEM_FOLDERS = /^(__MACOSX|@eaDir|#recycle|\$RECYCLE\.BIN|System Volume Information|lost\+found)$/;
/** Files of a training, finished or not, and of a SavedModel. */
const MODEL_ENTRIES = /^(MODEL_CARD\.md|model\.tar\.gz|saved_model\.pb|checkpoints|image-classifier)$/;

const whyNoClass = ({ name, entries }: ClassFolder): string | undefined => {
  if (SYSTEM_FOLDERS.test(name)) return 'a folder of the system or of an archive, not a class';
  const model = entries.find((entry) => MODEL_ENTRIES.test(entry.name));
  return model && `contains a model (${model.name}), not photos of a class`;
};

/** The folders in a folder, sorted by name: classes and others. */
export const listClassFolders = async (root: string): Promise<ClassFolders> => {
  const classes: ClassFolder[] = [];
  const passedOver: ClassFolders['passedOver'] = [];
  for (const { name, kind } of await listFolder(root)) {
    if (kind !== 'folder') continue;
    const folder = { name, entries: await listFolder(path.join(root, name)) };
    const reason = whyNoClass(folder);
    if (reason === undefined) classes.push(folder);
    else passedOver.push({ file: name, reason });
  }
  return { classes, passedOver };
};

const holds = ({ entries }: ClassFolder, kind: FolderEntry['kind']): boolean =>
  entries.some((entry) => entry.kind === kind);

/** Whether a folder has classes with files in them, as opposed to nothing or a placeholder. */
export const containsPhotos = async (directory: string): Promise<boolean> => {
  const { classes } = await listClassFolders(directory).catch((error: unknown) => {
    if (isNotFound(error)) return { classes: [] };
    throw error;
  });
  return classes.some((folder) => holds(folder, 'file'));
};

/** Usual names for the parts of a dataset. (A class "train", as in vehicles, comes with other classes.) */
const PART =
  /^(train|training|val|valid|validation|test|testing|dev|eval|holdout)([ _-]?(set|data|images|photos))?$/i;
/** Maximum number of folders between the given one and the classes. */
const DEEPEST = 4;

const isPart = ({ name }: ClassFolder) => PART.test(name);
const areParts = (folders: readonly ClassFolder[]): boolean => {
  const count = folders.filter(isPart).length;
  return count > 1 || (count > 0 && count === folders.length);
};
/** The training part comes first. */
const byPurpose = (a: ClassFolder, b: ClassFolder) =>
  Number(/^train/i.test(b.name)) - Number(/^train/i.test(a.name));

/** The nearest folder below the given one with at least two folders that contain files. */
const findClasses = async (root: string, depth = DEEPEST): Promise<string | undefined> => {
  const { classes } = await listClassFolders(root);
  if (!areParts(classes) && classes.filter((folder) => holds(folder, 'file')).length > 1) return root;
  if (depth === 0) return undefined;
  for (const folder of classes.filter((folder) => holds(folder, 'folder')).sort(byPurpose)) {
    const found = await findClasses(path.join(root, folder.name), depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
};

/**
 * Why a folder is not a dataset, judging by the names of its files and folders.
 *
 * @returns a message with advice; undefined if nothing is wrong
 * @throws Error if the folder cannot be read
 */
export const describeLayoutProblem = async (root: string): Promise<string | undefined> => {
  const { classes } = await listClassFolders(root);
  const filled = classes.filter((folder) => holds(folder, 'file'));
  if (filled.length > 1 && !areParts(classes)) return undefined;
  const below = await findClasses(root);
  if (below !== undefined)
    return `The folders of the classes are in ${below}. Give that folder in place of ${root}.`;
  if (areParts(classes) && filled.length > 0) {
    const names = classes.filter(isPart).map(({ name }) => name);
    return `${root} contains parts of a dataset (${names.join(', ')}), not classes, and tables of labels are not supported. Put the photos into one folder per class.`;
  }
  const hasFiles = (await listFolder(root)).some(({ name }) => /\.(jpe?g|png|webp)$/i.test(name));
  if (classes.length === 0 && hasFiles)
    return `The photos are directly in ${root}, which does not say what their classes are. Give a folder with one folder of photos per class, such as ${path.dirname(root)}.`;
  return undefined;
};
