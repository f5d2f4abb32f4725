import { realpathSync } from 'node:fs';
import { access, constants, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Backbone } from '../model/backbone/backbone.ts';
import { parseRange, rangeText } from '../model/backbone/feature-extractor.ts';
import { loadBackend } from '../model/backend/backend.ts';
import { describeUncalibrated } from '../model/calibration/calibrate.ts';
import { readLoggedDataset } from '../model/data/dataset.ts';
import { describeSplit, trainValidationTestSplit } from '../model/data/split.ts';
import { buildNetwork } from '../model/network/network.ts';
import { readPhotoKinds } from '../model/out-of-distribution/pictures.ts';
import { reportFiles } from '../model/report/files.ts';
import { storeModel, versionAt } from '../model/savedmodel/file.ts';
import { AbortedError } from '../model/shared/abort.ts';
import { writeFiles } from '../model/shared/files.ts';
import type { ReportProgress } from '../model/shared/progress.ts';
import { duration, errorText, percent, share } from '../model/shared/text.ts';
import { CheckpointStore, describeResume } from '../model/training/checkpoint.ts';
import { fineTune } from '../model/training/fine-tune.ts';
import type { TrainingRunOptions } from '../model/training/loop.ts';
import {
  FINE_TUNE_RECIPE,
  HEAD_RECIPE,
  NETWORK_RECIPE,
  type RecipeOptions,
  recipeSchema,
  reproduceCommand,
} from '../model/training/recipe.ts';
import { type Trainer, trainModel } from '../model/training/train.ts';
import { trainHead } from '../model/training/train-head.ts';
import { trainNetwork } from '../model/training/train-network.ts';
import { CommandError, folderOption, INTERRUPTED, print, progressLine, runCommand } from './shared/cli.ts';
import { takeLock } from './shared/lock.ts';

/** Trains a model on this computer, evaluates the exported model and writes a report. */

const { epochs, batchSize, learningRate, patience, balanced, seed, fineTune: blocks } = recipeSchema.shape;

/** Adds an option's default to its description. */
const described = (field: z.ZodType, otherwise: number | string) => ({
  ...field.meta(),
  description: `${field.description} (${otherwise})`,
});
const optional = <Field extends z.ZodType>(field: Field, otherwise: number | string) =>
  field.optional().meta(described(field, otherwise));

const options = z
  .strictObject({
    data: z
      .string('a folder with one folder of photos per class')
      .meta({ value: 'DIR', description: 'folder with one folder of photos per class' }),
    exclude: z
      .string()
      .optional()
      .meta({ value: 'FILE', description: 'photos to leave out (excluded.json in the folder of photos)' }),
    epochs: optional(epochs, `${NETWORK_RECIPE.epochs}; ${FINE_TUNE_RECIPE.epochs} with --fine-tune`),
    out: z
      .string()
      .default('build/model')
      .meta({ value: 'DIR', description: 'folder for the model, model.tar.gz and the report (build/model)' }),
    backbone: folderOption(
      'a TensorFlow.js model such as MobileNet; only a small head is trained: minutes, not hours',
    ),
    range: rangeText.optional().meta(rangeText.meta() ?? {}),
    features: z.string().default('build/features').meta({
      value: 'DIR',
      description: "cache for the backbone's features (build/features)",
    }),
    reference: folderOption(
      'a small TensorFlow.js model next to a fine-tuned one, to detect photos of none of the classes',
    ),
    fineTune: optional(blocks, 'none: only a head is trained'),
    batchSize: optional(batchSize, `${NETWORK_RECIPE.batchSize}; ${HEAD_RECIPE.batchSize} with --backbone`),
    learningRate: optional(
      learningRate,
      `${NETWORK_RECIPE.learningRate}; ${FINE_TUNE_RECIPE.learningRate} with --fine-tune`,
    ),
    patience: optional(patience, 'none'),
    balanced: balanced.default(false).meta(balanced.meta() ?? {}),
    test: share(0.01, 0.5, 0.1)
      .default(0.1)
      .meta({ value: 'X', description: 'share of each class held out for the final test (0.1)' }),
    validation: share(0, 0.5, 0.1).default(0.1).meta({
      value: 'X',
      description: 'share of each class held out for validation and calibration (0.1)',
    }),
    unknown: folderOption(
      'photos of other things, one folder for each kind, to measure how many are rejected',
    ),
    seed: seed.default(NETWORK_RECIPE.seed).meta(described(seed, NETWORK_RECIPE.seed)),
    version: z
      .string()
      .regex(/^\d+$/, 'digits only, such as 1')
      .optional()
      .meta({ value: 'N', description: 'version of the model, in digits (the current time)' }),
  })
  .refine(
    ({ fineTune, backbone }) => fineTune === undefined || backbone !== undefined,
    '--fine-tune trains blocks of a pretrained network. Pass that network with --backbone.',
  )
  .refine(
    ({ fineTune, reference }) => reference === undefined || fineTune !== undefined,
    '--reference only makes sense with --fine-tune. Add --fine-tune, or omit --reference.',
  );

type TrainCommand = z.infer<typeof options>;

export const TRAIN_COMMAND = {
  head: 'Usage: npm run train -- --data DIR [options]\n',
  foot: `  --help                shows this

A training that was stopped or killed resumes from its checkpoint when it is started with the same options.
`,
  options,
};

const PATH_OPTIONS = ['exclude', 'backbone', 'reference', 'unknown'] as const;

/** The command to reproduce this training, without the paths on this computer. */
export const commandFor = ({ data, out, features, version, ...command }: TrainCommand): string => {
  const { epochs, learningRate } = command.fineTune === undefined ? NETWORK_RECIPE : FINE_TUNE_RECIPE;
  const shared: Record<string, unknown> = { epochs, learningRate, ...command };
  for (const name of PATH_OPTIONS)
    if (command[name] !== undefined) shared[name] = path.basename(command[name]);
  return reproduceCommand(shared);
};

/** Shows the progress of a training. */
const reportTraining = (onProgress: ReportProgress): TrainingRunOptions => {
  // Only epochs of this run: computing features comes before the first one, and a checkpoint's epochs are done.
  const took: number[] = [];
  return {
    onStep: (done, total) => onProgress('Steps of this epoch', done, total),
    onValidated: (done, total) => onProgress('Validating, photos', done, total),
    onResume: (progress) => print(describeResume(progress)),
    onEpoch: ({ epoch, epochs, trainingLoss, trainingAccuracy, validation, seconds }) => {
      took.push(seconds);
      const mean = took.reduce((sum, each) => sum + each, 0) / took.length;
      const left = duration(mean * (epochs - epoch));
      const validated = validation
        ? `, validation loss ${validation.loss.toFixed(3)} accuracy ${percent(validation.accuracy)}`
        : '';
      print(
        `Epoch ${epoch} of ${epochs}: loss ${trainingLoss.toFixed(3)} accuracy ${percent(trainingAccuracy)}${validated} (${duration(seconds)}, ${left} left)`,
      );
    },
  };
};

const createTrainer = (
  { backbone, range, reference, features }: TrainCommand,
  classes: number,
  recipe: RecipeOptions,
  { onProgress, ...run }: TrainingRunOptions & { readonly onProgress: ReportProgress },
): Trainer => {
  if (backbone === undefined)
    return trainNetwork({ ...run, network: buildNetwork({ classes, seed: recipe.seed }), classes, recipe });
  const pretrained = (directory: string) => ({ directory, name: path.basename(directory) });
  const options = {
    ...{ ...run, classes, recipe, pretrained: pretrained(backbone), cacheDirectory: features },
    onFeatures: (done: number, total: number) => onProgress('Computing features of photos', done, total),
  };
  return recipe.fineTune === undefined
    ? trainHead({ ...options, backbone: { range: parseRange(range) } })
    : fineTune({
        ...options,
        range: parseRange(range),
        reference: reference === undefined ? undefined : pretrained(reference),
      });
};

/**
 * Locks the output folder before anything is read.
 *
 * @returns a function that unlocks it
 * @throws Error if it, or the folder of features, is not suitable
 */
export const reserveFolders = async (command: TrainCommand): Promise<() => void> => {
  const { data, out, features, backbone } = command;
  const folders = Object.entries({ out, ...(backbone !== undefined && { features }) });
  for (const [option, folder] of folders) {
    const from = path.relative(path.resolve(data), path.resolve(folder));
    if (!path.isAbsolute(from) && from.split(path.sep)[0] !== '..')
      throw new Error(
        `--${option} ${folder} is inside the folder of photos, ${data}, where each folder is a class. Choose another folder.`,
      );
    await mkdir(folder, { recursive: true })
      .then(() => access(folder, constants.W_OK))
      .catch((cause: unknown) => {
        throw new Error(
          `--${option} must be a writable folder; ${folder} is not (${errorText(cause)}). Choose another folder.`,
          { cause },
        );
      });
  }
  return takeLock(path.join(out, 'running.json'), 'npm run train');
};

/** Trains in folders that are reserved. */
export const train = async (command: TrainCommand, signal: AbortSignal): Promise<void> => {
  const { data, exclude, features: _, reference: __, ...given } = command;
  const { out, backbone, range, test, validation, unknown, version, ...recipe } = given;
  const modelVersion = version ?? versionAt(new Date());
  const backend = await loadBackend();
  print(`Computing on ${backend.reason}.`);
  // Refuses an unusable backbone before anything slow happens.
  if (backbone !== undefined) (await Backbone.load(backbone, { range: parseRange(range) })).dispose();
  const onProgress = progressLine();
  const dataset = await readLoggedDataset(data, {
    ...{ name: 'folder of photos', exclude, log: print, warn: () => {}, report: onProgress, signal },
  });
  const { seed } = recipe;
  const split = trainValidationTestSplit(dataset, { test, validation, seed });
  print(describeSplit(split));
  const checkpoints = path.join(out, 'checkpoints');
  const run = {
    ...reportTraining(onProgress),
    onProgress,
    signal,
    checkpoints: new CheckpointStore(checkpoints, { onWarning: (text) => print(`Warning: ${text}`) }),
  };
  const { savedModel, ...report } = await trainModel({
    ...{ dataset, split, backend, seed, signal, log: print, onProgress },
    version: modelVersion,
    trainer: createTrainer(command, dataset.labels.length, recipe, run),
    command: commandFor(command),
    unknown: unknown === undefined ? [] : await readPhotoKinds(unknown, onProgress),
  });
  await storeModel(out, modelVersion, savedModel);
  await writeFiles(out, await reportFiles(report));
  await rm(checkpoints, { recursive: true, force: true });
  const { accuracy, interval } = report.metrics.test;
  const [low, high] = interval;
  print(
    `Test accuracy of the exported model: ${percent(accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`,
  );
  if (!report.metrics.calibration) print(describeUncalibrated(split.validation.length));
  print(`Wrote ${out}: model, model.tar.gz and MODEL_CARD.md. Serve it with: MODEL_DIR=${out} npm start`);
};

const run = async (command: TrainCommand): Promise<number> => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      print('Stopping, once a checkpoint is written.');
      stop.abort(new AbortedError('Stopped while reading the photos.'));
    });
  const release = await reserveFolders(command);
  await train(command, stop.signal)
    .catch((error: unknown) => {
      if (!(error instanceof AbortedError)) throw error;
      throw new CommandError(
        `${error.message} Start it again with the same options to resume it.`,
        INTERRUPTED,
      );
    })
    .finally(release);
  return 0;
};

// Its tests import this file.
if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url))
  await runCommand(TRAIN_COMMAND, run);
