import { z } from 'zod';
import { Backbone } from '../model/backbone/backbone.ts';
import { loadBackend } from '../model/backend/backend.ts';
import { readBackground } from '../model/calibration/background.ts';
import { PHOTO_SIDE } from '../model/contract/tensors.ts';
import { readDataset } from '../model/data/dataset.ts';
import { readPhotoKinds } from '../model/out-of-distribution/pictures.ts';
import { share } from '../model/shared/text.ts';
import { readStoredTraining, recalibrate } from '../model/training/recalibrate.ts';
import { folderOption, print, progressLine, runCommand } from './shared/cli.ts';

/** Calibrates the newest version of a trained model without training it again. */

const folder = (expected: string, description: string) =>
  z.string(expected).meta({ value: 'DIR', description });
const part = (name: string) => ({
  value: 'X',
  description: `share of each class kept for ${name}, as when it was trained (0.1)`,
});

const options = z.strictObject({
  model: folder(
    'the folder that a training wrote',
    'output of a training: image-classifier/<version>/ and the report',
  ),
  data: folder('the folder of its photos', 'the photos that it was trained on'),
  exclude: z
    .string()
    .optional()
    .meta({ value: 'FILE', description: 'photos to leave out, as when it was trained' }),
  test: share(0.01, 0.5, 0.1).default(0.1).meta(part('the final test')),
  validation: share(0, 0.5, 0.1).default(0.1).meta(part('validation')),
  reference: folderOption(
    'the reference of a fine-tuned model, if it was trained before there was a background for it',
  ),
  unknown: folderOption('photos of other things to measure with, one folder for each kind'),
});

const head = 'Usage: node --import tsx scripts/calibrate.ts --model DIR --data DIR [options]\n';

await runCommand({ head, options }, async ({ model, data, exclude, reference, unknown, ...shares }) => {
  const stored = await readStoredTraining(model);
  print(`Computing on ${(await loadBackend()).reason}.`);
  const onProgress = progressLine();
  if (reference !== undefined && stored.metrics.calibration?.distanceWeight === undefined)
    throw new Error(`The model in ${model} was trained without a reference: omit --reference.`);
  const background =
    reference === undefined
      ? undefined
      : await readBackground(reference, await Backbone.load(reference, { side: PHOTO_SIDE }));
  if (reference !== undefined && !background)
    throw new Error(`There is no background for ${reference}: make one with scripts/background.ts.`);
  const dataset = await readDataset(data, {
    exclude,
    onProgress: (done, total) => onProgress('Reading photos', done, total),
  });
  const kinds = unknown === undefined ? [] : await readPhotoKinds(unknown, onProgress);
  const { version, test } = await recalibrate({
    ...{ stored, dataset, shares, background, unknown: kinds },
    ...{ log: print, onProgress },
  });
  print(
    `Wrote version ${version} in place of ${stored.version}: ${test.correct} of ${test.count} test photos classified correctly.`,
  );
  return 0;
});
