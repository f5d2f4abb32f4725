import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { latestVersion } from '../../model/savedmodel/file.ts';

/** A version of a model in a folder. */
export interface StoredModel {
  readonly name: string;
  /** The name of its folder: digits. */
  readonly version: string;
  readonly file: string;
}

export interface ModelFolderOptions {
  /** Holds `<name>/<version>/saved_model.pb`, or one model's `<version>/saved_model.pb`. */
  readonly directory: string;
}

/** The name that the AWS image gives to a model whose versions are not in a folder named after it. */
export const BARE_NAME = 'model';

const folders = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
};

/**
 * The newest version of each model below a folder, by TensorFlow Serving's default version policy.
 *
 * @example
 * const [model] = await newestModels({ directory: 'model/default' });
 * model.name; // => 'image-classifier'
 */
export const newestModels = async ({ directory }: ModelFolderOptions): Promise<readonly StoredModel[]> => {
  const names = await folders(directory);
  const bare = latestVersion(names);
  if (bare) return [{ name: BARE_NAME, version: bare, file: path.join(directory, bare, 'saved_model.pb') }];
  const found = await Promise.all(
    names.map(async (name) => {
      const version = latestVersion(await folders(path.join(directory, name)));
      return version ? [{ name, version, file: path.join(directory, name, version, 'saved_model.pb') }] : [];
    }),
  );
  return found.flat();
};

/**
 * Like `newestModels`, for a folder that must hold a model.
 *
 * @throws Error when it cannot be read or holds no model
 */
export const modelsToServe = async ({ directory }: ModelFolderOptions): Promise<readonly StoredModel[]> => {
  const found = await newestModels({ directory }).catch((cause: unknown) => {
    throw new Error(`The model folder ${directory} cannot be read. Set MODEL_DIR to a folder with a model.`, {
      cause,
    });
  });
  if (found.length > 0) return found;
  throw new Error(
    `The model folder ${directory} holds no model. Expected <name>/<version>/saved_model.pb; set MODEL_DIR.`,
  );
};
