import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CHANNELS, TRAINING_PATHS } from '../../contract/sagemaker-jobs.ts';
import type { Pretrained } from '../../learn/from-scratch.ts';
import { listIfThere } from '../files.ts';
import type { OptMl } from '../opt-ml.ts';

const MODEL_FILE = 'model.json';

/** A pretrained TensorFlow.js model. */
export interface ChannelNetwork extends Pretrained {
  /** SHA-256 of its files, hex. */
  readonly digest: string;
}

/** @returns nothing when the channel `pretrained` holds no model; other files there, such as a note, do not count */
export const findPretrained = async (optMl: OptMl): Promise<ChannelNetwork | undefined> => {
  const directory = optMl.at(TRAINING_PATHS.channels, CHANNELS.pretrained);
  const names = (await listIfThere(directory))
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name);
  if (!names.includes(MODEL_FILE)) return undefined;
  const sum = createHash('sha256');
  for (const name of names.sort()) sum.update(name).update(await readFile(path.join(directory, name)));
  return { directory, name: `the network of the channel ${CHANNELS.pretrained}`, digest: sum.digest('hex') };
};
