import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { create as createArchive } from 'tar';
import { MODEL_NAME } from '../contract/tensors.ts';

/** Digits only, as TensorFlow Serving wants a version folder: the UTC time to the second. */
export const versionAt = (time: Date): string => time.toISOString().replace(/\D/g, '').slice(0, 14);

/**
 * Writes `<directory>/image-classifier/<version>/saved_model.pb`, and `<directory>/model.tar.gz` of it: the layout from
 * which TensorFlow Serving, the AWS tensorflow-inference image and our stand-in serve.
 */
export const storeModel = async (
  directory: string,
  version: string,
  savedModel: Uint8Array,
): Promise<void> => {
  const folder = path.join(directory, MODEL_NAME, version);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'saved_model.pb'), savedModel);
  await writeFile(path.join(directory, 'model.tar.gz'), await archive(directory, `${MODEL_NAME}/${version}`));
};

/** Without times and owners, and compressed in one piece, so that the same model always gives the same archive. */
const archive = async (directory: string, entry: string): Promise<Uint8Array> =>
  gzipSync(Buffer.concat(await createArchive({ cwd: directory, portable: true }, [entry]).collect()));
