import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { loadBackend } from '../model/backend/backend.ts';
import { calibrate, decodedNetwork } from '../model/calibration/calibrate.ts';
import { measureCalibration } from '../model/calibration/measure.ts';
import { MODEL_NAME } from '../model/contract/tensors.ts';
import { compare, predict } from '../model/evaluation/evaluate.ts';
import { type Metrics, metricsSchema } from '../model/evaluation/metrics.ts';
import { wilsonInterval } from '../model/evaluation/statistics.ts';
import { drawKinds, readPhotoKinds } from '../model/out-of-distribution/pictures.ts';
import { reliabilityDiagram, rocPicture } from '../model/report/charts.ts';
import { modelCard } from '../model/report/model-card.ts';
import { decodeSavedModel, encodeSavedModel, storeModel, versionAt } from '../model/savedmodel/file.ts';
import { GraphRunner } from '../model/savedmodel/run.ts';
import { buildServingGraph } from '../model/savedmodel/serving-graph.ts';
import { type Dataset, readDataset } from '../model/training/dataset.ts';
import { type Split, splitDataset } from '../model/training/split.ts';
import { print as say, showProgress } from './shared/cli.ts';

/**
 * Calibrates a model that was trained before, without training it again: reads its network back, fits temperature and
 * score on the validation photos of its own split, and exports it as a new version.
 *
 * node --import tsx scripts/calibrate.ts --model model/default --data DIR --validation 0.05 --unknown DIR
 */

/** Pictures of each kind that code draws. */
const DRAWN = 100;

const optionsSchema = z.strictObject({
  model: z.string(),
  data: z.string(),
  /** As it was when the model was trained. */
  test: z.coerce.number().default(0.1),
  validation: z.coerce.number().default(0.1),
  unknown: z.string().optional(),
});

const names = Object.keys(optionsSchema.shape);
const options = optionsSchema.parse(
  parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) }).values,
);

const countByClass = ({ labels }: Dataset, part: Split['train']) =>
  labels.map((_, label) => part.filter((example) => example.label === label).length);

/** The split that the model was trained with. @throws Error when the photos are not those of its metrics */
const splitOf = (dataset: Dataset, { data }: Metrics): Split => {
  const split = splitDataset(dataset, { ...options, seed: data.seed });
  for (const part of ['train', 'validation', 'test'] as const) {
    if (String(countByClass(dataset, split[part])) === String(data[part])) continue;
    throw new Error(
      `The split gives other numbers of ${part} photos than the model's metrics.json. Give the folder, --test and --validation that the model was trained with.`,
    );
  }
  return split;
};

const folder = path.join(options.model, MODEL_NAME);
const [oldVersion = ''] = readdirSync(folder);
const old = metricsSchema.parse(JSON.parse(readFileSync(path.join(options.model, 'metrics.json'), 'utf8')));
const { labels } = old;
say(`Computing on ${(await loadBackend()).reason}.`);
const dataset = await readDataset(options.data, {
  onProgress: (done, total) => showProgress(`Reading photo ${done} of ${total}`),
});
const split = splitOf(dataset, old);
const unknown = [
  ...(await drawKinds(DRAWN)),
  ...(options.unknown ? await readPhotoKinds(options.unknown) : []),
];

const model = decodeSavedModel(readFileSync(path.join(folder, oldVersion, 'saved_model.pb')));
const write = decodedNetwork(model, { features: 'features', logits: 'logits/bias_add' });
const choosing = unknown.filter(({ purpose }) => purpose === 'choosing');
const calibration = await calibrate(write, labels.length, { ...split, unknown: choosing });
if (!calibration) throw new Error('There are too few validation photos to calibrate by. Give more photos.');

const version = versionAt(new Date());
const savedModel = encodeSavedModel(buildServingGraph(write, { labels, version, calibration }));
const calibrated = new GraphRunner(decodeSavedModel(savedModel));
const plain = new GraphRunner(
  decodeSavedModel(encodeSavedModel(buildServingGraph(write, { labels, version }))),
);
const answers = await predict(
  calibrated,
  split.test.map(({ pixels }) => pixels),
);
const { figures, knownScores, unknownScores } = await measureCalibration({
  temperature: calibration.temperature,
  plain,
  calibrated,
  validation: split.validation,
  test: split.test,
  answers,
  unknown,
});
const { accuracy, correct, count, loss, confusion } = compare(
  answers.map(({ probabilities }) => probabilities),
  labels.length,
  split.test,
);
const metrics: Metrics = {
  ...old,
  version,
  test: {
    accuracy,
    interval: wilsonInterval(correct, count),
    correct,
    count,
    loss,
    confusion: confusion.map((row) => [...row]),
  },
  calibration: { network: old.calibration?.network ?? oldVersion, ...figures },
  bytes: savedModel.byteLength,
};
await storeModel(options.model, version, savedModel);
const files = {
  'metrics.json': `${JSON.stringify(metrics, null, 2)}\n`,
  'MODEL_CARD.md': modelCard(metrics),
  'reliability.svg': reliabilityDiagram(figures),
  'roc.svg': rocPicture(knownScores, unknownScores),
};
for (const [name, text] of Object.entries(files)) await writeFile(path.join(options.model, name), text);
rmSync(path.join(folder, oldVersion), { recursive: true });
say(`Wrote version ${version} in place of ${oldVersion}: ${correct} of ${count} test photos named rightly.`);
