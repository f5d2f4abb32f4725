import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { photoKinds } from '../model/calibration/unknown/photo-kinds.ts';
import { counted } from '../model/counted.ts';
import { fromScratch } from '../model/learn/from-scratch.ts';
import { learn } from '../model/learn/learn.ts';
import { onBackbone } from '../model/learn/on-backbone.ts';
import { reportFiles } from '../model/learn/report-files.ts';
import { loadBackend } from '../model/runtime/backend.ts';
import { storeModel, versionAt } from '../model/savedmodel/store.ts';
import { CheckpointStore } from '../model/training/checkpoint.ts';
import { type Dataset, readDataset } from '../model/training/dataset.ts';
import { buildNetwork } from '../model/training/network.ts';
import type { RunOptions } from '../model/training/run-options.ts';
import { splitDataset } from '../model/training/split.ts';
import { Stopped } from '../model/training/stop.ts';
import { optionProblems, positiveNumber, share, wholeNumber } from './options.ts';
import { duration, say, showProgress } from './progress.ts';

const USAGE = `Usage: npm run train -- --data DIR [options]

  --data DIR            folder with one folder of photos per class
  --epochs N            times that every photo is seen (60)
  --out DIR             where model, model.tar.gz and report go (build/model)
  --backbone DIR        a TensorFlow.js model, such as MobileNet, on which only a small head is trained: minutes, not hours
  --features DIR        where the backbone's features are kept for the next training (build/features)
  --teacher DIR         a TensorFlow.js graph model whose features guide a training from random weights
  --batch-size N        photos per step (32; 64 with --backbone)
  --learning-rate X     highest learning rate (0.003)
  --patience N          epochs without a lower validation loss after which it ends early (none)
  --balanced            photos of rare classes count for more
  --test X              share of each class kept for the final test (0.1)
  --validation X        share of each class kept for watching the training, and for calibration (0.1)
  --unknown DIR         choosing/<kind>/ and measuring/<kind>/: photos of other things, to learn and to measure what is none of
                        the classes, beside drawings
  --seed N              of the split, the weights and the augmentation (1)
  --version N           version of the model: digits (the time)
  --help                shows this

Stopped or killed, it goes on from its checkpoint when it is started again with the same options.
`;

const count = wholeNumber(1);

const optionsSchema = z.strictObject({
  data: z.string('a folder with one folder of photos per class'),
  epochs: count.default(60),
  out: z.string().default('build/model'),
  backbone: z.string().optional(),
  features: z.string().default('build/features'),
  teacher: z.string().optional(),
  'batch-size': count.optional(),
  'learning-rate': positiveNumber.default(0.003),
  patience: count.optional(),
  balanced: z.boolean().default(false),
  test: share(0.01, 0.5, 0.1).default(0.1),
  validation: share(0, 0.5, 0.1).default(0.1),
  unknown: z.string().optional(),
  // TensorFlow.js takes a seed of 0 for none.
  seed: wholeNumber(1).default(1),
  version: z.string().regex(/^\d+$/, 'digits only, such as 1').default(versionAt(new Date())),
});

type Options = z.infer<typeof optionsSchema>;

/** Options that are not as {@link USAGE} has them. */
class Mistyped extends Error {}

const FLAGS = new Set(['balanced']);
/** Folders of this machine, which are another person's no business. */
const PRIVATE = new Set(['data', 'out', 'version', 'features']);
const FOLDERS = new Set(['teacher', 'backbone', 'unknown']);

const readOptions = (): Options => {
  const names = Object.keys(optionsSchema.shape);
  const { values } = parseArgs({
    options: Object.fromEntries(
      ['help', ...names].map((name) => [
        name,
        { type: name === 'help' || FLAGS.has(name) ? 'boolean' : 'string' } as const,
      ]),
    ),
  });
  if (values['help']) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const { data: options, error } = optionsSchema.safeParse(values);
  if (error) throw new Mistyped(optionProblems(values, error));
  if (options.teacher !== undefined && options.backbone !== undefined)
    throw new Error('A training has a teacher or a backbone, not both. Give one of them.');
  return options;
};

const typed = (name: string, value: unknown): string => {
  if (value === undefined || value === false) return '';
  if (value === true) return ` --${name}`;
  return ` --${name} ${FOLDERS.has(name) ? path.basename(String(value)) : value}`;
};

/** The command as another person would type it: without the folders of this machine. */
const commandLine = (options: Options): string =>
  `npm run train -- --data DIR${Object.entries(options)
    .filter(([name]) => !PRIVATE.has(name))
    .map(([name, value]) => typed(name, value))
    .join('')}`;

const percent = (value: number) => `${(value * 100).toFixed(1)} %`;

const readPhotos = async ({ data }: Options, stop: AbortSignal): Promise<Dataset> => {
  const dataset = await readDataset(data, {
    onProgress: (done, total) => {
      if (stop.aborted) throw new Stopped('Stopped while reading the photos.');
      showProgress(`Reading photo ${done} of ${total}`);
    },
  });
  say(
    `Read ${dataset.examples.length} photos of ${dataset.labels.length} classes: ${dataset.labels.join(', ')}.`,
  );
  for (const { file, reason } of dataset.skipped) say(`  left out ${file}: ${reason}`);
  return dataset;
};

/** Shows how the training goes. */
const shown = (): RunOptions => {
  // Of this run's own epochs: computing features comes before the first, and those of a checkpoint are done.
  const took: number[] = [];
  return {
    onStep: (done, total) => showProgress(`  step ${done} of ${total}`),
    onResume: ({ history, step }) =>
      say(
        `Going on from a checkpoint, after ${counted(history.length, 'epoch')} and ${counted(step, 'step')}.`,
      ),
    onEpoch: ({ epoch, epochs, trainingLoss, trainingAccuracy, validation, seconds }) => {
      took.push(seconds);
      const mean = took.reduce((sum, each) => sum + each, 0) / took.length;
      const left = duration(mean * (epochs - epoch));
      const watched = validation
        ? `, validation loss ${validation.loss.toFixed(3)} accuracy ${percent(validation.accuracy)}`
        : '';
      say(
        `Epoch ${epoch} of ${epochs}: loss ${trainingLoss.toFixed(3)} accuracy ${percent(trainingAccuracy)}${watched} (${duration(seconds)}, ${left} left)`,
      );
    },
  };
};

/** The way to train that was asked for. */
const wayOf = (options: Options, classes: number, run: RunOptions) => {
  const {
    epochs,
    'batch-size': batchSize,
    'learning-rate': learningRate,
    seed,
    patience,
    balanced,
  } = options;
  const common = { ...run, classes, epochs, batchSize, learningRate, seed, patience, balanced };
  const named = (directory: string) => ({ directory, name: path.basename(directory) });
  if (options.backbone !== undefined) {
    return onBackbone({
      ...common,
      ...named(options.backbone),
      cacheDirectory: options.features,
      onFeatures: (done, total) => showProgress(`Computing features of photo ${done} of ${total}`),
    });
  }
  const teacher = options.teacher === undefined ? undefined : named(options.teacher);
  return fromScratch({
    ...common,
    network: buildNetwork({ classes, seed }),
    teacher,
    context: teacher?.name,
  });
};

const main = async (stop: AbortSignal): Promise<void> => {
  const options = readOptions();
  const { out, seed, version } = options;
  const backend = await loadBackend();
  say(`Computing on ${backend.reason}.`);
  const dataset = await readPhotos(options, stop);
  const split = splitDataset(dataset, { test: options.test, validation: options.validation, seed });
  say(
    `Training on ${counted(split.train.length, 'photo')}, watching ${split.validation.length}, testing on ${split.test.length}.`,
  );
  const checkpoints = path.join(out, 'checkpoints');
  const run = {
    ...shown(),
    signal: stop,
    checkpoints: new CheckpointStore(checkpoints, { onWarning: (text) => say(`Warning: ${text}`) }),
  };
  const { savedModel, ...report } = await learn({
    ...{ dataset, split, backend, version, seed, say, signal: stop },
    train: wayOf(options, dataset.labels.length, run),
    command: commandLine(options),
    unknown: options.unknown === undefined ? [] : await photoKinds(options.unknown),
  });
  await storeModel(out, version, savedModel);
  for (const [name, content] of Object.entries(await reportFiles(report)))
    await writeFile(path.join(out, name), content);
  await rm(checkpoints, { recursive: true, force: true });
  const [low, high] = report.metrics.test.interval;
  say(
    `Test accuracy of the exported model: ${percent(report.metrics.test.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`,
  );
  say(`Wrote ${out}: model, model.tar.gz and MODEL_CARD.md. Serve it with: MODEL_DIR=${out} npm start`);
};

/** Whether Node.js, or we, did not understand the options. */
const isMistyped = (error: unknown): boolean =>
  error instanceof Mistyped ||
  (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));

const explain = (error: unknown): string => {
  if (error instanceof Stopped) return `${error.message} Start it again with the same options to go on.`;
  const message = error instanceof Error ? error.message : String(error);
  return isMistyped(error) ? `${message}\n\n${USAGE}` : message;
};

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say('Stopping, once a checkpoint is written.');
    stop.abort();
  });
}

try {
  await main(stop.signal);
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = error instanceof Stopped ? 130 : 1;
}
