import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MODEL_ARCHIVE } from '../../model/contract/sagemaker-jobs.ts';
import { holdsPhotos } from '../../model/jobs/photo-folder.ts';

interface Kind {
  /** With which a person points to it. */
  readonly option: string;
  readonly isGood: (place: string) => Promise<boolean>;
  readonly wanted: string;
}

const isFile = async (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

const photos = (option: string): Kind => ({
  option,
  isGood: (place: string) => holdsPhotos(place).catch(() => false),
  wanted: 'a folder with one folder of photos per class',
});

/**
 * What a parameter can point to. The training job takes a channel without it as not given, which on AWS cannot be told
 * apart; here somebody has pointed to it.
 */
const KINDS: Readonly<Record<string, Kind>> = {
  TrainData: photos('--data or FLOWERS_DIR'),
  TestData: photos('--test-data'),
  Pretrained: {
    option: '--pretrained',
    isGood: (place) => isFile(path.join(place, 'model.json')),
    wanted:
      'a folder with the model.json of a TensorFlow.js model, such as the one that scripts/fetch-backbone.ts fetches',
  },
  InitialModel: {
    option: '--initial-model',
    isGood: async (place) => (await isFile(place)) || isFile(path.join(place, MODEL_ARCHIVE)),
    wanted: `a ${MODEL_ARCHIVE} of an earlier training, or the folder that it lies in`,
  },
};

/**
 * Looks before the training whether a file or folder of this machine is what a parameter takes.
 *
 * @throws Error that says what it must be
 */
export const checkGivenFile = async (parameter: string, place: string): Promise<void> => {
  const kind = KINDS[parameter];
  if (!kind) return;
  const { option, isGood, wanted } = kind;
  await stat(place).catch((cause: unknown) => {
    throw new Error(`There is nothing at ${place}, to which ${option} points. Give ${wanted}.`, { cause });
  });
  if (!(await isGood(place))) throw new Error(`${place} is not what ${option} takes. Give ${wanted}.`);
};
