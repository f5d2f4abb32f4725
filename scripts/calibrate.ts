import { z } from 'zod';
import { loadBackend } from '../model/backend/backend.ts';
import { readDataset } from '../model/data/dataset.ts';
import { readPhotoKinds } from '../model/out-of-distribution/pictures.ts';
import { readStoredTraining, recalibrate } from '../model/training/recalibrate.ts';
import { optionHelp, share } from '../model/training/recipe.ts';
import { readOptions, usageLines } from './options.ts';
import { say, showProgress } from './progress.ts';

/** Calibrates the newest version of a model that was trained before, without training it again. */

const folder = (text: string) => z.string('a folder').register(optionHelp, { value: 'DIR', text });
const part = (text: string) =>
  share(0, 0.5, 0.1).register(optionHelp, { value: 'X', text: `${text}, as when it was trained` });

const schema = z.strictObject({
  model: folder('what a training wrote: image-classifier/<version>/ and the report'),
  data: folder('the photos that it was trained on'),
  test: part('share of each class kept for the final test').default(0.1),
  validation: part('share of each class kept for validation').default(0.1),
  unknown: folder('choosing/<kind>/ and measuring/<kind>/: photos of other things').optional(),
});

const USAGE = `Usage: node --import tsx scripts/calibrate.ts --model DIR --data DIR [options]

${usageLines(schema)}
  --help                shows this
`;

try {
  const options = readOptions(schema, process.argv.slice(2));
  if (options) {
    const { model, data, test, validation, unknown } = options;
    const stored = await readStoredTraining(model);
    say(`Computing on ${(await loadBackend()).reason}.`);
    const dataset = await readDataset(data, {
      onProgress: (done, total) => showProgress(`Reading photo ${done} of ${total}`),
    });
    const kinds = unknown === undefined ? [] : await readPhotoKinds(unknown);
    const shares = { test, validation };
    const result = await recalibrate({ stored, dataset, shares, unknown: kinds });
    say(
      `Wrote version ${result.version} in place of ${stored.version}: ${result.test.correct} of ${result.test.count} test photos classified correctly.`,
    );
  } else process.stdout.write(USAGE);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
