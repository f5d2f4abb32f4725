import { readFile } from 'node:fs/promises';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { decodeSavedModel } from '../../model/savedmodel/file.ts';
import { GraphRunner } from '../../model/savedmodel/run.ts';
import type { StoredModel } from './model-folder.ts';

/** A model that is loaded and answers. */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly runner: GraphRunner;
}

/** @throws Error that says which file cannot be served, and why */
export const loadModel = async ({ name, version, file }: StoredModel): Promise<ServedModel> => {
  try {
    const model = decodeSavedModel(await readFile(file));
    await turnOfTheLoop();
    return { name, version, runner: new GraphRunner(model) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The model ${file} cannot be served. ${reason}`, { cause: error });
  }
};

/** The first run compiles kernels and is several times slower than the rest: it must not be a person's. */
export const warmUp = async ({ runner }: ServedModel): Promise<void> => {
  const photo = { shape: [1], values: [new Uint8Array(PHOTO_BYTES)] };
  await runner.run(new Map(Object.keys(runner.signature.inputs).map((name) => [name, photo])));
};
