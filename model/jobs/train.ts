import path from 'node:path';
import { Backbone } from '../backbone/backbone.ts';
import { parseRange } from '../backbone/feature-extractor.ts';
import { loadBackend } from '../backend/backend.ts';
import { describeUncalibrated } from '../calibration/calibrate.ts';
import { CHANNELS, metricsLine, PHOTOS_FILE, TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { MODEL_NAME } from '../contract/tensors.ts';
import { containsPhotos } from '../data/class-folders.ts';
import { type Dataset, readLoggedDataset } from '../data/dataset.ts';
import {
  alignTestPhotos,
  describeSplit,
  EMPTY_MANIFEST,
  extendManifest,
  type LeakFreeSplitOptions,
  leakFreeSplit,
  readSplitManifest,
} from '../data/split.ts';
import { reportFiles } from '../report/files.ts';
import { versionAt } from '../savedmodel/file.ts';
import { emptyFolder, jsonText, readdirIfExists, writeFiles } from '../shared/files.ts';
import { progressReporter } from '../shared/progress.ts';
import { percent, pluralize } from '../shared/text.ts';
import { CheckpointStore, describeResume } from '../training/checkpoint.ts';
import { reproduceCommand, storedOptions } from '../training/recipe.ts';
import { trainModel } from '../training/train.ts';
import { encodeNetwork, NETWORK_FILE, readNetwork, withArchive } from './archive.ts';
import { type ContainerPaths, readInstanceType } from './container.ts';
import { checkGpu, usesGpu } from './gpu.ts';
import { type Hyperparameters, readHyperparameters } from './hyperparameters.ts';
import { chooseStrategy } from './strategy.ts';

export interface TrainJobOptions {
  readonly container: ContainerPaths;
  readonly environment: NodeJS.ProcessEnv;
  /** Ends the job after a checkpoint. */
  readonly signal: AbortSignal;
  /** Writes a line to the job's log, in which SageMaker finds the metrics. */
  readonly log: (line: string) => void;
}

/** Reads the photos of the channels `train` and `test`. */
const readPhotos = async (
  { container, signal, log }: TrainJobOptions,
  warn: (text: string) => void,
): Promise<Pick<LeakFreeSplitOptions, 'test'> & { readonly dataset: Dataset }> => {
  const folder = (channel: string) => container.at(TRAINING_PATHS.channels, channel);
  const read = (channel: string) =>
    readLoggedDataset(folder(channel), { name: `channel ${channel}`, log, warn, signal });
  if (!(await containsPhotos(folder(CHANNELS.train)))) {
    throw new Error(
      `The channel ${CHANNELS.train} has no photos: ${folder(CHANNELS.train)} must contain one folder of photos per class. Check TrainData, the S3 prefix that it comes from.`,
    );
  }
  const dataset = await read(CHANNELS.train);
  if (!(await containsPhotos(folder(CHANNELS.test)))) return { dataset };
  return { dataset, test: alignTestPhotos(dataset, await read(CHANNELS.test), warn) };
};

/** For the model card: the job, and the command that reproduces the training elsewhere. */
export const commandOf = (
  { fineTune, epochs, batchSize, learningRate, patience, seed, balanced }: Hyperparameters,
  backbone: boolean,
  environment: NodeJS.ProcessEnv,
): string => {
  const recipe = { epochs, batchSize, learningRate, patience, seed, balanced };
  const command = reproduceCommand({ ...(backbone && { backbone: 'DIR', fineTune }), ...recipe });
  const { TRAINING_JOB_NAME: name = '(without a name)' } = environment;
  return `# The SageMaker training job ${name}; on another machine:\n${command}`;
};

/**
 * The training job of the learning image: reads SageMaker's channels and hyperparameters, trains, and writes the model
 * and the report to SageMaker's folders. It resumes from a checkpoint of the same training, if there is one.
 *
 * @throws AbortedError if its signal is aborted
 * @throws Error whose message says what to do
 */
export const runTrainJob = async (options: TrainJobOptions): Promise<void> => {
  const { container, environment, signal, log } = options;
  const started = performance.now();
  const warnings: string[] = [];
  const warn = (text: string) => {
    warnings.push(text);
    log(`Warning: ${text}`);
  };
  const hyperparameters = await readHyperparameters(container.at(TRAINING_PATHS.hyperparameters));
  const { seed } = hyperparameters;
  const machine = await readInstanceType(container);
  const backend = await loadBackend();
  const gpu = usesGpu();
  log(`Computing ${gpu ? 'on a GPU' : 'without a GPU'}, on ${backend.reason}.`);
  checkGpu(environment, backend);

  const channel = (name: string) => container.at(TRAINING_PATHS.channels, name);
  const earlier = await withArchive(channel(CHANNELS.model), async (unpacked) => ({
    network: await readNetwork(unpacked),
    seen: await readSplitManifest(unpacked),
  }));
  const seen = earlier?.seen ?? EMPTY_MANIFEST;
  // Ignores other files in the channel, such as a placeholder.
  const directory = channel(CHANNELS.pretrained);
  const isThere = (await readdirIfExists(directory)).some(({ name }) => name === 'model.json');
  const pretrained = isThere
    ? { directory, name: `the network of the channel ${CHANNELS.pretrained}` }
    : undefined;
  // Opened before reading the photos, which may take long, so that an unusable one is refused at once.
  if (pretrained && earlier?.network.kind !== 'network') {
    const range = parseRange(hyperparameters.pretrainedRange);
    (await Backbone.load(directory, { range })).dispose();
  }
  const { dataset, test } = await readPhotos(options, warn);
  const split = leakFreeSplit({ dataset, test, seen, seed, warn });
  log(describeSplit(split));
  const onProgress = progressReporter(log);
  let resumedAfterEpoch: number | null = null;
  const checkpoints = container.at(TRAINING_PATHS.checkpoints);
  const train = chooseStrategy({
    ...{ labels: dataset.labels, hyperparameters, log, earlier: earlier?.network, pretrained },
    featuresDirectory: path.join(checkpoints, 'features'),
    onFeatures: (done, total) => onProgress('Computing features', done, total),
    run: {
      signal,
      checkpoints: new CheckpointStore(checkpoints, { onWarning: warn }),
      onResume: (progress) => {
        resumedAfterEpoch = progress.history.length;
        log(describeResume(progress));
      },
      onValidated: (done, total) => onProgress('Validating, photos', done, total),
      onStep: (done, total) => onProgress('Steps of this epoch', done, total),
      // In the same line as the metrics, so that they clearly belong to this epoch.
      onEpoch: ({ epoch, epochs, trainingLoss: loss, trainingAccuracy: accuracy, validation, seconds }) =>
        log(
          `Epoch ${epoch} of ${epochs} took ${seconds.toFixed(1)} s, ${(split.train.length / seconds).toFixed(1)} photos a second. ${metricsLine({ training: { loss, accuracy }, validation })}`,
        ),
    },
  });
  const { network, stored } = await train(split);
  const { savedModel, ...report } = await trainModel({
    ...{ dataset, split, backend, signal, log, seed, onProgress },
    trainer: async () => network,
    version: versionAt(new Date()),
    command: commandOf(hyperparameters, stored.kind !== 'network', environment),
  });

  const { version, calibration, training, test: measured } = report.metrics;
  if (!calibration) warn(describeUncalibrated(split.validation.length));
  const { seconds, photosPerSecond, epochs } = training;
  const job = {
    ...{ backend: backend.reason, gpu, machine },
    hyperparameters: { ...storedOptions(hyperparameters), patience: hyperparameters.patience ?? undefined },
    secondsOfTraining: seconds,
    secondsOfThisRun: (performance.now() - started) / 1000,
    ...{ photosPerSecond, resumedAfterEpoch, wentOnFromEarlierModel: earlier !== undefined, warnings },
  };
  const files = { ...(await reportFiles(report)), 'job.json': jsonText(job) };
  await writeFiles(container.at(TRAINING_PATHS.output), files);
  const model = container.at(TRAINING_PATHS.model);
  await emptyFolder(model);
  // TensorFlow Serving only looks into folders whose name is a number.
  await writeFiles(model, {
    [PHOTOS_FILE]: jsonText(extendManifest(split, seen)),
    [NETWORK_FILE]: encodeNetwork(stored),
    [`${MODEL_NAME}/${version}/saved_model.pb`]: savedModel,
  });
  const [low, high] = measured.interval;
  log(
    `After ${pluralize(epochs, 'epoch')} the exported model classifies ${measured.correct} of ${measured.count} test photos correctly: ${percent(measured.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`,
  );
};
