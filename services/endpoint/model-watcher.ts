import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { newestModels, type StoredModel } from './model-folder.ts';
import { loadModel, type ModelStore, warmUp } from './models.ts';

/** TensorFlow Serving's --file_system_poll_wait_seconds, and its default. */
const POLL_MS = 1_000;

export interface ModelWatcherOptions {
  readonly directory: string;
  readonly store: ModelStore;
  readonly log: Logger;
}

/** Changes whenever a file is rewritten. */
const fileSignature = async (file: string): Promise<string> => {
  const found = await stat(file).catch(() => undefined);
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : 'missing';
};

const errorText = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * Polls a folder every second for the newest version of each model, and serves it once it is loaded and has answered a
 * request. A version that cannot be loaded is logged once, and tried again when its file changes; until then the
 * previous one stays in service.
 *
 * @example
 * const directory = 'model/default';
 * const store = await ModelStore.load({ directory });
 * const watcher = new ModelWatcher({ directory, store, log });
 * watcher.start();
 * watcher.stop();
 */
export class ModelWatcher {
  readonly #directory: string;
  readonly #store: ModelStore;
  readonly #log: Logger;
  /** Signatures of the files that could not be loaded, by path. */
  readonly #failed = new Map<string, string>();
  #unreadable = false;
  #timer: NodeJS.Timeout | undefined;

  constructor({ directory, store, log }: ModelWatcherOptions) {
    this.#directory = directory;
    this.#store = store;
    this.#log = log;
  }

  /** Polls until {@link stop}; does not keep the process alive. */
  start(): void {
    this.#timer = setTimeout(async () => {
      await this.poll();
      if (this.#timer) this.start();
    }, POLL_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Polls once; never rejects. */
  async poll(): Promise<void> {
    for (const model of await this.#newest()) {
      const served = this.#store.statuses(model.name).find(({ state }) => state === 'AVAILABLE');
      if (served?.version !== model.version) await this.#change(model);
    }
  }

  async #newest(): Promise<readonly StoredModel[]> {
    try {
      const found = await newestModels({ directory: this.#directory });
      this.#unreadable = false;
      return found;
    } catch (error) {
      if (!this.#unreadable)
        this.#log.warn(
          { reason: errorText(error) },
          'the model folder cannot be read; the loaded versions stay',
        );
      this.#unreadable = true;
      return [];
    }
  }

  async #change(stored: StoredModel): Promise<void> {
    const { name, version, file } = stored;
    const signature = await fileSignature(file);
    if (this.#failed.get(file) === signature) return;
    try {
      const model = await loadModel(stored);
      await warmUp(model).catch((error: unknown) => {
        model.runner.dispose();
        throw new Error(`The model ${file} does not answer. ${errorText(error)}`, { cause: error });
      });
      this.#failed.delete(file);
      this.#store.replace(model);
      this.#log.info({ model: `${name}/${version}` }, 'model replaced');
    } catch (error) {
      this.#failed.set(file, signature);
      this.#store.refuse(name, version, errorText(error));
      this.#log.warn({ model: `${name}/${version}`, reason: errorText(error) }, 'model not replaced');
    }
  }
}
