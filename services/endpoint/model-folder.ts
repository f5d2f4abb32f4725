import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { newestVersion } from '../../model/savedmodel/model-versions.ts';

/** A version of a model, as it lies in a folder. */
export interface StoredModel {
  readonly name: string;
  /** The name of its folder: digits. */
  readonly version: string;
  readonly file: string;
}

/** The name that a model gets whose version folders lie bare, as in the AWS image. */
export const BARE_NAME = 'model';

const folders = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
};

/**
 * The newest version of each model below a folder, as TensorFlow Serving's default policy picks it.
 *
 * @param directory holds `<name>/<version>/saved_model.pb`, or one model's `<version>/saved_model.pb`
 */
export const newestModels = async (directory: string): Promise<readonly StoredModel[]> => {
  const names = await folders(directory);
  const bare = newestVersion(names);
  if (bare) return [{ name: BARE_NAME, version: bare, file: path.join(directory, bare, 'saved_model.pb') }];
  const found = await Promise.all(
    names.map(async (name) => {
      const version = newestVersion(await folders(path.join(directory, name)));
      return version ? [{ name, version, file: path.join(directory, name, version, 'saved_model.pb') }] : [];
    }),
  );
  return found.flat();
};
