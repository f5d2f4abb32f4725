import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadBackend } from '../model/backend/backend.ts';
import { fromScratch } from '../model/learn/from-scratch.ts';
import { learn } from '../model/learn/learn.ts';
import { onBackbone } from '../model/learn/on-backbone.ts';
import { readPhotoKinds } from '../model/out-of-distribution/pictures.ts';
import { reportFiles } from '../model/report/files.ts';
import { storeModel } from '../model/savedmodel/file.ts';
import { pluralize } from '../model/shared/text.ts';
import { CheckpointStore } from '../model/training/checkpoint.ts';
import { type Dataset, readDataset } from '../model/training/dataset.ts';
import { buildNetwork } from '../model/training/network.ts';
import type { RunOptions } from '../model/training/run-options.ts';
import { splitDataset } from '../model/training/split.ts';
import { Stopped } from '../model/training/stop.ts';
import { print as say, showProgress } from './shared/cli.ts';
import { readCommandLine, type TrainCommand, toBeTyped, USAGE } from './train/command-line.ts';
import { percent, shown } from './train/shown.ts';

/** Trains a model on this machine, measures its export and reports on it. */

const readPhotos = async ({ data }: TrainCommand, stop: AbortSignal): Promise<Dataset> => {
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

/** The way to train that was asked for. */
const wayOf = (options: TrainCommand, classes: number, run: RunOptions) => {
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

const train = async (options: TrainCommand, stop: AbortSignal): Promise<void> => {
  const { out, seed, version } = options;
  const backend = await loadBackend();
  say(`Computing on ${backend.reason}.`);
  const dataset = await readPhotos(options, stop);
  const split = splitDataset(dataset, { test: options.test, validation: options.validation, seed });
  say(
    `Training on ${pluralize(split.train.length, 'photo')}, watching ${split.validation.length}, testing on ${split.test.length}.`,
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
    command: toBeTyped(options),
    unknown: options.unknown === undefined ? [] : await readPhotoKinds(options.unknown),
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

/** What was typed; undefined when there is nothing to do, which has then been said. */
const read = (): TrainCommand | undefined => {
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
  if (error instanceof Stopped) return `${error.message} Start it again with the same options to go on.`;
  return error instanceof Error ? error.message : String(error);
};

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say('Stopping, once a checkpoint is written.');
    stop.abort();
  });
}

const command = read();
if (command) {
  try {
    await train(command, stop.signal);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = error instanceof Stopped ? 130 : 1;
  }
}
