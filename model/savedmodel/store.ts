import { rename } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { MODEL_NAME } from '../contract/tensors.ts';
import { readdirIfExists, replaceFile, writeFiles } from '../shared/files.ts';

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
  const temporary = path.join(directory, MODEL_NAME, `.${version}.tmp`);
  // A version that appears is whole: whoever serves the folder may look at any moment.
  if ((await readdirIfExists(folder)).length > 0)
    await replaceFile(path.join(folder, 'saved_model.pb'), savedModel);
  else {
    await writeFiles(temporary, { 'saved_model.pb': savedModel });
    await rename(temporary, folder);
  }
  await replaceFile(
    path.join(directory, 'model.tar.gz'),
    await archive(directory, `${MODEL_NAME}/${version}`),
  );
};

/** Without times and owners, and compressed in one piece, so that the same model always gives the same archive. */
const archive = async (directory: string, entry: string): Promise<Uint8Array> =>
  gzipSync(Buffer.concat(await create({ cwd: directory, portable: true }, [entry]).collect()));
