import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { decodeSavedModel } from '../../model/savedmodel/file.ts';
import { GraphRunner } from '../../model/savedmodel/run.ts';
import { ServingError } from './errors.ts';
import { BARE_NAME, type ModelFolderOptions, modelsToServe, type StoredModel } from './model-folder.ts';

export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly runner: GraphRunner;
}

/**
 * Loads a model.
 *
 * @throws Error that names the file and says why it cannot be served
 */
export const loadModel = async ({ name, version, file }: StoredModel): Promise<ServedModel> => {
  try {
    const model = decodeSavedModel(await readFile(file));
    await nextTurn();
    return { name, version, runner: new GraphRunner(model) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The model ${file} cannot be served. ${reason}`, { cause: error });
  }
};

/** The first run compiles kernels and is several times slower than later ones: no client should wait for it. */
export const warmUp = async ({ runner }: ServedModel): Promise<void> => {
  const photo = { shape: [1], values: [new Uint8Array(PHOTO_BYTES)] };
  await runner.run(new Map(Object.keys(runner.signature.inputs).map((name) => [name, photo])));
};

/** A version's status, as TensorFlow Serving reports it. */
export interface VersionStatus {
  readonly version: string;
  readonly state: 'AVAILABLE' | 'END';
  /** Why it is not served. */
  readonly error?: string;
}

/** A replaced model, and the requests that may still be using it. */
interface Retired {
  readonly model: ServedModel;
  readonly requests: Set<symbol>;
}

export interface ModelStoreOptions {
  readonly models: readonly ServedModel[];
}

/**
 * The models in service, one version of each.
 *
 * @example
 * const store = await ModelStore.load({ directory: 'model/default' });
 * store.defaultName; // => 'image-classifier'
 */
export class ModelStore {
  readonly #models: Map<string, ServedModel>;
  /** Versions that could not be loaded, by the name of their model. */
  readonly #refused = new Map<string, VersionStatus>();
  readonly #requests = new Set<symbol>();
  readonly #retired = new Set<Retired>();

  constructor({ models }: ModelStoreOptions) {
    this.#models = new Map(models.map((model) => [model.name, model]));
  }

  /**
   * Loads the newest version of each model in a folder, as TensorFlow Serving does by default.
   *
   * @throws Error when there is none, or one of them cannot be served
   */
  static async load({ directory }: ModelFolderOptions): Promise<ModelStore> {
    const found = await modelsToServe({ directory });
    const models: ServedModel[] = [];
    for (const model of found) models.push(await loadModel(model));
    return new ModelStore({ models });
  }

  /** The model for requests that name none: the first in alphabetical order. */
  get defaultName(): string {
    return [...this.#models.keys()].sort()[0] ?? BARE_NAME;
  }

  get all(): readonly ServedModel[] {
    return [...this.#models.values()];
  }

  /** @throws ServingError 404, with TensorFlow Serving's message */
  find(name: string, version?: string): ServedModel {
    const model = this.#models.get(name);
    if (model && (version === undefined || version === model.version)) return model;
    const wanted = version === undefined ? `Latest(${name})` : `Specific(${name}, ${version})`;
    throw new ServingError(404, `Servable not found for request: ${wanted}`);
  }

  /** Versions of a model, the served one first; none when the model is unknown. */
  statuses(name: string): readonly VersionStatus[] {
    const served = this.#models.get(name);
    const refused = this.#refused.get(name);
    return [
      ...(served ? [{ version: served.version, state: 'AVAILABLE' as const }] : []),
      ...(refused ? [refused] : []),
    ];
  }

  /** Remembers that a version cannot be served. */
  refuse(name: string, version: string, error: string): void {
    this.#refused.set(name, { version, state: 'END', error });
  }

  /** Puts a new version in service. Requests in flight finish on the old one, which is then disposed of. */
  replace(model: ServedModel): void {
    const old = this.#models.get(model.name);
    this.#models.set(model.name, model);
    this.#refused.delete(model.name);
    if (old) this.#retired.add({ model: old, requests: new Set(this.#requests) });
    this.#release();
  }

  /** Runs `work`; no model that it looks up is released before it ends. */
  async during<T>(work: () => Promise<T> | T): Promise<T> {
    const request = Symbol('request');
    this.#requests.add(request);
    try {
      return await work();
    } finally {
      this.#requests.delete(request);
      for (const { requests } of this.#retired) requests.delete(request);
      this.#release();
    }
  }

  #release(): void {
    for (const retired of this.#retired) {
      if (retired.requests.size > 0) continue;
      this.#retired.delete(retired);
      retired.model.runner.dispose();
    }
  }
}
