import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Backbone } from '../model/backbone/backbone.ts';
import { parseRange, rangeText } from '../model/backbone/feature-extractor.ts';
import { computeFeatures } from '../model/backbone/features.ts';
import { loadBackend } from '../model/backend/backend.ts';
import { encodeBackground } from '../model/calibration/background.ts';
import { FEWEST_PHOTOS } from '../model/calibration/calibrate.ts';
import { PHOTO_SIDE } from '../model/contract/tensors.ts';
import { readPhotoKinds } from '../model/out-of-distribution/pictures.ts';
import { replaceFile } from '../model/shared/files.ts';
import { folderOption, print, progressLine, runCommand } from './shared/cli.ts';

/** Makes the backgrounds by which heads on a backbone, and models with it as their reference, reject photos of other things. */

const options = z.strictObject({
  backbone: z
    .string('the folder of a TensorFlow.js model')
    .meta({ value: 'DIR', description: 'the backbone, as for npm run train' }),
  range: rangeText.optional().meta(rangeText.meta() ?? {}),
  unknown: z
    .string('a folder with a folder of photos for each kind')
    .meta({ value: 'DIR', description: 'some hundred photos of anything, one folder for each kind' }),
  to: folderOption('folder for the file (the folder of the backbone, where trainings find it)'),
});

const head = `Usage: node --import tsx scripts/background.ts --backbone DIR --unknown DIR [options]

Makes the statistics of photos of anything by which heads that are trained on a backbone reject such photos.
MobileNet's, as scripts/fetch-backbone.ts fetches it, are part of the project.
`;

export const writeBackgrounds = async (
  { backbone: directory, range, unknown, to = directory }: z.output<typeof options>,
  log = print,
): Promise<number> => {
  log(`Computing on ${(await loadBackend()).reason}.`);
  const onProgress = progressLine();
  const photos = (await readPhotoKinds(unknown, onProgress)).flatMap((kind) => kind.photos);
  if (photos.length < FEWEST_PHOTOS)
    throw new Error(
      `${unknown} has ${photos.length} photos in its folders: add some, at least ${FEWEST_PHOTOS}.`,
    );
  const examples = photos.map((pixels) => ({ pixels, label: 0, file: '', content: '' }));
  // A head's side, and that of a reference.
  for (const side of [undefined, PHOTO_SIDE]) {
    const backbone = await Backbone.load(directory, { range: parseRange(range), side });
    const features = await computeFeatures(backbone, examples, {
      onProgress: (done, total) => onProgress('Computing features of photos', done, total),
    });
    const { name, content } = encodeBackground(backbone, features);
    await replaceFile(path.join(to, name), content);
    log(`Wrote ${path.join(to, name)} from ${photos.length} photos.`);
  }
  return 0;
};

// Its test imports this file.
if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url))
  await runCommand({ head, options }, writeBackgrounds);
