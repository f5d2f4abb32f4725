import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { INPUT_NAME, MODEL_NAME, OUTPUT_NAMES, PHOTO_BYTES } from '../../contract/tensors.ts';
import { decodeSavedModel } from '../../savedmodel/file.ts';
import { GraphRunner } from '../../savedmodel/run.ts';
import { listIfThere } from '../files.ts';

/** The SavedModel of an archive, as it will be served. */
export interface PackedModel {
  /** The name of its folder: digits. */
  readonly version: string;
  readonly runner: GraphRunner;
}

/**
 * @param directory an unpacked model archive
 * @throws Error when it holds no model, or several
 */
export const loadPackedModel = async (directory: string): Promise<PackedModel> => {
  const entries = await listIfThere(path.join(directory, MODEL_NAME));
  const versions = entries.map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  const [version, ...others] = versions;
  if (version === undefined || others.length > 0) {
    throw new Error(
      `The model's archive must hold one ${MODEL_NAME}/<version>/saved_model.pb; found ${versions.length === 0 ? 'none' : versions.join(', ')}. Was the training stopped before its end?`,
    );
  }
  const bytes = await readFile(path.join(directory, MODEL_NAME, version, 'saved_model.pb'));
  return { version, runner: new GraphRunner(decodeSavedModel(bytes)) };
};

/** The classes that a model names, in the order of its probabilities; it tells them with each answer. */
export const classesOf = async (runner: GraphRunner): Promise<string[]> => {
  const black = new Uint8Array(PHOTO_BYTES);
  const answer = await runner.run(new Map([[INPUT_NAME, { shape: [1], values: [black] }]]));
  const output = answer.get(OUTPUT_NAMES.classes);
  if (!output || !('strings' in output))
    throw new Error('The model does not name its classes: it was not made by this training.');
  return output.strings.map((name) => new TextDecoder().decode(name));
};
