import { realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadBackend } from '../model/backend/backend.ts';
import { type Dataset, readDataset } from '../model/data/dataset.ts';
import { trainValidationTestSplit } from '../model/data/split.ts';
import { buildNetwork } from '../model/network/network.ts';
import { readPhotoKinds } from '../model/out-of-distribution/pictures.ts';
import { reportFiles } from '../model/report/files.ts';
import { storeModel, versionAt } from '../model/savedmodel/file.ts';
import { AbortedError } from '../model/shared/abort.ts';
import { writeFiles } from '../model/shared/files.ts';
import { pluralize } from '../model/shared/text.ts';
import { CheckpointStore } from '../model/training/checkpoint.ts';
import type { RunOptions } from '../model/training/loop.ts';
import {
  NETWORK_RECIPE,
  optionHelp,
  type RecipeOptions,
  recipeSchema,
  reproduceCommand,
  share,
} from '../model/training/recipe.ts';
import { type Trainer, trainModel } from '../model/training/train.ts';
import { trainHead } from '../model/training/train-head.ts';
import { trainNetwork } from '../model/training/train-network.ts';
import { readOptions, usageLines } from './options.ts';
import { duration, say, showProgress } from './progress.ts';

/** Trains a model on this machine, measures its export and reports on it. */

const folder = (text: string) => z.string().register(optionHelp, { value: 'DIR', text });
const { epochs, batchSize, learningRate, patience, balanced, seed } = recipeSchema.shape;

const schema = z.strictObject({
  data: z
    .string('a folder with one folder of photos per class')
    .register(optionHelp, { value: 'DIR', text: 'folder with one folder of photos per class' }),
  epochs: epochs.default(NETWORK_RECIPE.epochs),
  out: folder('where model, model.tar.gz and report go').default('build/model'),
  backbone: folder(
    'a TensorFlow.js model, such as MobileNet, on which only a small head is trained: minutes, not hours',
  ).optional(),
  features: folder("where the backbone's features are kept for the next training").default('build/features'),
  teacher: folder(
    'a TensorFlow.js graph model whose features guide a training from random weights',
  ).optional(),
  batchSize: batchSize.optional(),
  learningRate: learningRate.default(NETWORK_RECIPE.learningRate),
  patience: patience.optional(),
  balanced: balanced.default(false),
  test: share(0.01, 0.5, 0.1)
    .register(optionHelp, { value: 'X', text: 'share of each class kept for the final test' })
    .default(0.1),
  validation: share(0, 0.5, 0.1)
    .register(optionHelp, {
      value: 'X',
      text: 'share of each class kept for validation, and for calibration',
    })
    .default(0.1),
  unknown: folder(
    'choosing/<kind>/ and measuring/<kind>/: photos of other things, to learn and to measure what is none of\nthe classes, beside drawings',
  ).optional(),
  seed: seed.default(NETWORK_RECIPE.seed),
  version: z
    .string()
    .regex(/^\d+$/, 'digits only, such as 1')
    .register(optionHelp, { value: 'N', text: 'version of the model: digits (the time)' })
    .optional(),
});

type TrainCommand = z.infer<typeof schema>;

export const USAGE = `Usage: npm run train -- --data DIR [options]

${usageLines(schema)}
  --help                shows this

Stopped or killed, it resumes from its checkpoint when it is started again with the same options.
`;

/** @returns undefined when help was asked for @throws Error that names what is wrong */
export const readCommandLine = (parameters: readonly string[]): TrainCommand | undefined => {
  const command = readOptions(schema, parameters);
  if (command?.teacher !== undefined && command.backbone !== undefined)
    throw new Error('A training has a teacher or a backbone, not both. Give one of them.');
  return command;
};

const FOLDERS = ['backbone', 'teacher', 'unknown'] as const;

/** The command as another person would type it: without the folders of this machine. */
export const commandFor = ({ data, out, features, version, ...command }: TrainCommand): string => {
  const shared: Record<string, unknown> = { ...command };
  for (const name of FOLDERS) if (command[name] !== undefined) shared[name] = path.basename(command[name]);
  return reproduceCommand(shared);
};

/** `97.3 %` */
const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** Shows how the training goes. */
const progressReporter = (): RunOptions => {
  // Of this run's own epochs: computing features comes before the first, and those of a checkpoint are done.
  const took: number[] = [];
  return {
    onStep: (done, total) => showProgress(`  step ${done} of ${total}`),
    onResume: ({ history, step }) =>
      say(
        `Resuming from a checkpoint, after ${pluralize(history.length, 'epoch')} and ${pluralize(step, 'step')}.`,
      ),
    onEpoch: ({ epoch, epochs, trainingLoss, trainingAccuracy, validation, seconds }) => {
      took.push(seconds);
      const mean = took.reduce((sum, each) => sum + each, 0) / took.length;
      const left = duration(mean * (epochs - epoch));
      const validated = validation
        ? `, validation loss ${validation.loss.toFixed(3)} accuracy ${percent(validation.accuracy)}`
        : '';
      say(
        `Epoch ${epoch} of ${epochs}: loss ${trainingLoss.toFixed(3)} accuracy ${percent(trainingAccuracy)}${validated} (${duration(seconds)}, ${left} left)`,
      );
    },
  };
};

const readPhotos = async (data: string, stop: AbortSignal): Promise<Dataset> => {
  const dataset = await readDataset(data, {
    onProgress: (done, total) => {
      if (stop.aborted) throw new AbortedError('Stopped while reading the photos.');
      showProgress(`Reading photo ${done} of ${total}`);
    },
  });
  say(
    `Read ${dataset.examples.length} photos of ${dataset.labels.length} classes: ${dataset.labels.join(', ')}.`,
  );
  for (const { file, reason } of dataset.skipped) say(`  left out ${file}: ${reason}`);
  return dataset;
};

const createTrainer = (
  { backbone, teacher, features }: Pick<TrainCommand, 'backbone' | 'teacher' | 'features'>,
  classes: number,
  recipe: RecipeOptions,
  run: RunOptions,
): Trainer => {
  const pretrained = (directory: string) => ({ directory, name: path.basename(directory) });
  if (backbone !== undefined) {
    return trainHead({
      ...{ ...run, classes, recipe, pretrained: pretrained(backbone), cacheDirectory: features },
      onFeatures: (done, total) => showProgress(`Computing features of photo ${done} of ${total}`),
    });
  }
  const network = buildNetwork({ classes, seed: recipe.seed });
  const taughtBy = teacher === undefined ? undefined : pretrained(teacher);
  return trainNetwork({ ...run, network, classes, recipe, teacher: taughtBy, context: taughtBy?.name });
};

const train = async (command: TrainCommand, signal: AbortSignal): Promise<void> => {
  const { data, out, backbone, features, teacher, test, validation, unknown, version, ...recipe } = command;
  const modelVersion = version ?? versionAt(new Date());
  const backend = await loadBackend();
  say(`Computing on ${backend.reason}.`);
  const dataset = await readPhotos(data, signal);
  const { seed } = recipe;
  const split = trainValidationTestSplit(dataset, { test, validation, seed });
  say(
    `Training on ${pluralize(split.train.length, 'photo')}, validating on ${split.validation.length}, testing on ${split.test.length}.`,
  );
  const checkpoints = path.join(out, 'checkpoints');
  const run = {
    ...progressReporter(),
    signal,
    checkpoints: new CheckpointStore(checkpoints, { onWarning: (text) => say(`Warning: ${text}`) }),
  };
  const { savedModel, ...report } = await trainModel({
    ...{ dataset, split, backend, seed, signal, log: say },
    version: modelVersion,
    trainer: createTrainer({ backbone, teacher, features }, dataset.labels.length, recipe, run),
    command: commandFor(command),
    unknown: unknown === undefined ? [] : await readPhotoKinds(unknown),
  });
  await storeModel(out, modelVersion, savedModel);
  await writeFiles(out, await reportFiles(report));
  await rm(checkpoints, { recursive: true, force: true });
  const { accuracy, interval } = report.metrics.test;
  const [low, high] = interval;
  say(
    `Test accuracy of the exported model: ${percent(accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`,
  );
  say(`Wrote ${out}: model, model.tar.gz and MODEL_CARD.md. Serve it with: MODEL_DIR=${out} npm start`);
};

/** The options; undefined when there is nothing to do, which was then said. */
const readCommand = (): TrainCommand | undefined => {
  try {
    const command = readCommandLine(process.argv.slice(2));
    if (!command) process.stdout.write(USAGE);
    return command;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 1;
    return undefined;
  }
};

const explain = (error: unknown): string => {
  if (error instanceof AbortedError)
    return `${error.message} Start it again with the same options to resume it.`;
  return error instanceof Error ? error.message : String(error);
};

const main = async (): Promise<void> => {
  const command = readCommand();
  if (!command) return;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      say('Stopping, once a checkpoint is written.');
      stop.abort();
    });
  }
  try {
    await train(command, stop.signal);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = error instanceof AbortedError ? 130 : 1;
  }
};

// Its test imports this file.
if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main();
