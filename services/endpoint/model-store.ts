import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { GraphRunner } from '../../model/runtime/graph-runner.ts';
import { decodeSavedModel } from '../../model/savedmodel/decode.ts';
import { ServingError } from './serving-error.ts';

/** A model that is loaded and answers. */
export interface ServedModel {
  readonly name: string;
  /** The name of its folder: digits. */
  readonly version: string;
  readonly runner: GraphRunner;
}

/** The name that a model gets whose version folders lie bare, as in the AWS image. */
const BARE_NAME = 'model';

const folders = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
};

/** The newest version folder, by number. */
const latest = (names: readonly string[]): string | undefined =>
  names.filter((name) => /^\d+$/.test(name)).sort((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1))[0];

const load = async (name: string, base: string, version: string): Promise<ServedModel> => {
  const file = path.join(base, version, 'saved_model.pb');
  try {
    return { name, version, runner: new GraphRunner(decodeSavedModel(await readFile(file))) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The model ${file} cannot be served. ${reason}`, { cause: error });
  }
};

/** The models of one folder, the newest version of each, like TensorFlow Serving's default policy. */
export class ModelStore {
  readonly #models: ReadonlyMap<string, ServedModel>;

  constructor(models: readonly ServedModel[]) {
    this.#models = new Map(models.map((model) => [model.name, model]));
  }

  /**
   * @param directory holds `<name>/<version>/saved_model.pb`, or one model's `<version>/saved_model.pb`
   * @throws Error when there is none, or one of them cannot be served
   */
  static async load(directory: string): Promise<ModelStore> {
    const names = await folders(directory).catch((error: unknown) => {
      throw new Error(
        `The model folder ${directory} cannot be read. Set MODEL_DIR to a folder with a model.`,
        {
          cause: error,
        },
      );
    });
    const bare = latest(names);
    if (bare) return new ModelStore([await load(BARE_NAME, directory, bare)]);
    const models: ServedModel[] = [];
    for (const name of names) {
      const version = latest(await folders(path.join(directory, name)));
      if (version) models.push(await load(name, path.join(directory, name), version));
    }
    if (models.length > 0) return new ModelStore(models);
    throw new Error(
      `The model folder ${directory} holds no model. Expected <name>/<version>/saved_model.pb; set MODEL_DIR.`,
    );
  }

  /** The model that answers when a request names none: the first by name. */
  get defaultName(): string {
    return [...this.#models.keys()].sort()[0] ?? BARE_NAME;
  }

  get all(): readonly ServedModel[] {
    return [...this.#models.values()];
  }

  /** @throws ServingError 404, in TensorFlow Serving's words */
  find(name: string, version?: string): ServedModel {
    const model = this.#models.get(name);
    if (model && (version === undefined || version === model.version)) return model;
    const wanted = version === undefined ? `Latest(${name})` : `Specific(${name}, ${version})`;
    throw new ServingError(404, `Servable not found for request: ${wanted}`);
  }
}
