import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { extract } from 'tar';
import { MODEL_ARCHIVE } from '../contract/sagemaker-jobs.ts';
import { listIfThere } from './files.ts';

/** Whether a folder holds an archive of a model. */
export const holdsArchive = async (directory: string): Promise<boolean> =>
  (await listIfThere(directory)).some((entry) => entry.isFile() && entry.name === MODEL_ARCHIVE);

/**
 * Runs `work` on what an archive holds. Only files and folders are unpacked, and none outside of a folder of their own.
 *
 * @param directory holds the archive
 * @throws Error when the archive is damaged, or names a path outside
 */
export const withArchive = async <T>(
  directory: string,
  work: (unpacked: string) => Promise<T>,
): Promise<T> => {
  const file = path.join(directory, MODEL_ARCHIVE);
  const unpacked = await mkdtemp(path.join(tmpdir(), 'model-'));
  try {
    await extract({
      file,
      cwd: unpacked,
      // Turns what tar would only warn of and mend, such as `../`, into an error.
      strict: true,
      filter: (_, entry) => 'type' in entry && ['File', 'OldFile', 'Directory'].includes(entry.type),
    }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${file} cannot be unpacked (${reason}). Give a ${MODEL_ARCHIVE} as SageMaker stored it.`,
        {
          cause: error,
        },
      );
    });
    return await work(unpacked);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
};
