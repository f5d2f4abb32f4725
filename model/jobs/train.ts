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
  leakFreeSplit,
  type Split,
  type SplitManifest,
} from '../data/split.ts';
import { reportFiles } from '../report/files.ts';
import { versionAt } from '../savedmodel/file.ts';
import { emptyFolder, jsonText, writeFiles } from '../shared/files.ts';
import { progressReporter } from '../shared/progress.ts';
import { percent, pluralize } from '../shared/text.ts';
import { CheckpointStore, describeResume, type EpochResult } from '../training/checkpoint.ts';
import { reproduceCommand, storedOptions } from '../training/recipe.ts';
import { type TrainingResult, trainModel } from '../training/train.ts';
import { NETWORK_FILE, readEarlierModel } from './archive.ts';
import { type ContainerPaths, readInstanceType } from './container.ts';
import { checkGpu, usesGpu } from './gpu.ts';
import { type Hyperparameters, readHyperparameters } from './hyperparameters.ts';
import { chooseStrategy, findPretrained } from './strategy.ts';

export interface TrainJobOptions {
  readonly container: ContainerPaths;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborted, it ends the job once the training is saved. */
  readonly signal: AbortSignal;
  /** Writes a line to the job's log, where SageMaker finds the metrics. */
  readonly log: (line: string) => void;
}

interface PhotosOptions extends Omit<TrainJobOptions, 'environment'> {
  /** Of the model that the training starts from. */
  readonly seen: SplitManifest;
  readonly seed: number;
  readonly warn: (text: string) => void;
}

/** The photos of the channels `train` and `test`, split by what they are for. */
const readPhotos = async (options: PhotosOptions): Promise<{ dataset: Dataset; split: Split }> => {
  const { container, seen, seed, signal, log, warn } = options;
  const folder = (channel: string) => container.at(TRAINING_PATHS.channels, channel);
  const read = (channel: string) =>
    readLoggedDataset(folder(channel), { name: `channel ${channel}`, log, warn, signal });
  if (!(await containsPhotos(folder(CHANNELS.train)))) {
    throw new Error(
      `The channel ${CHANNELS.train} holds no photos: ${folder(CHANNELS.train)} must hold one folder of photos per class. Look at TrainData, the S3 prefix that it comes from.`,
    );
  }
  const dataset = await read(CHANNELS.train);
  const tests = (await containsPhotos(folder(CHANNELS.test))) ? await read(CHANNELS.test) : undefined;
  const test = tests && alignTestPhotos(dataset, tests, warn);
  const split = leakFreeSplit({ dataset, test, seen, seed, warn });
  log(describeSplit(split));
  return { dataset, split };
};

/** Set by SageMaker. */
const JOB_NAME = 'TRAINING_JOB_NAME';

/** For the model card: which job it was, and the command that trains the same way elsewhere. */
export const commandOf = (
  { fineTune, epochs, batchSize, learningRate, patience, seed, balanced }: Hyperparameters,
  backbone: boolean | undefined,
  environment: NodeJS.ProcessEnv,
): string => {
  return [
    `# The SageMaker training job ${environment[JOB_NAME] ?? '(without a name)'}; on another machine:`,
    reproduceCommand({
      ...(backbone && { backbone: 'DIR', fineTune }),
      epochs,
      batchSize,
      learningRate,
      patience,
      seed,
      balanced,
    }),
  ].join('\n');
};

/** How often a training that takes long says where it is, in seconds. */
const PROGRESS_SECONDS = 15;

/** With the metrics in the same line: they are of this epoch, and no other. */
const epochLine = (photos: number, result: EpochResult): string => {
  const { epoch, epochs, trainingLoss, trainingAccuracy, validation, seconds } = result;
  const metrics = metricsLine({ training: { loss: trainingLoss, accuracy: trainingAccuracy }, validation });
  return `Epoch ${epoch} of ${epochs} took ${seconds.toFixed(1)} s, ${(photos / seconds).toFixed(1)} photos a second. ${metrics}`;
};

const resultLine = ({ metrics: { test, training } }: TrainingResult): string => {
  const [low, high] = test.interval;
  return `After ${pluralize(training.epochs, 'epoch')} the exported model classifies ${test.correct} of ${test.count} test photos correctly: ${percent(test.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`;
};

/** The epoch whose weights were kept: the one of the lowest validation loss, where it was looked for. */
const keptEpoch = ({ metrics: { history } }: TrainingResult, { patience }: Hyperparameters): number => {
  const losses = history.map(({ validation }) => validation?.loss ?? Number.POSITIVE_INFINITY);
  const lowest = Math.min(...losses);
  return patience === null || !Number.isFinite(lowest) ? history.length : losses.indexOf(lowest) + 1;
};

interface Outputs {
  readonly result: TrainingResult;
  /** What another training may start from. */
  readonly network: Uint8Array;
  readonly seen: SplitManifest;
  /** How the job went, as JSON. */
  readonly job: unknown;
}

/**
 * Writes what becomes model.tar.gz, and what becomes output.tar.gz. TensorFlow Serving looks for `saved_model.pb` in
 * folders of digits and passes over the rest.
 */
const writeOutputs = async (container: ContainerPaths, outputs: Outputs): Promise<void> => {
  const { savedModel, ...report } = outputs.result;
  const [model, output] = [container.at(TRAINING_PATHS.model), container.at(TRAINING_PATHS.output)];
  await writeFiles(output, { ...(await reportFiles(report)), 'job.json': jsonText(outputs.job) });
  await emptyFolder(model);
  await writeFiles(model, {
    [PHOTOS_FILE]: jsonText(outputs.seen),
    [NETWORK_FILE]: outputs.network,
    [`${MODEL_NAME}/${report.metrics.version}/saved_model.pb`]: savedModel,
  });
};

/**
 * The training job of the learning image: reads SageMaker's channels and hyperparameters, trains, and writes model and
 * report where SageMaker fetches them. It is resumed from a checkpoint, if there is one of the same training.
 *
 * @throws AbortedError when its signal is aborted
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
  const { seed, patience } = hyperparameters;
  const machine = await readInstanceType(container);
  const backend = await loadBackend();
  const gpu = usesGpu();
  log(`Computing ${gpu ? 'on a GPU' : 'without a GPU'}, on ${backend.reason}.`);
  checkGpu(environment, backend);

  const earlier = await readEarlierModel(container.at(TRAINING_PATHS.channels, CHANNELS.model));
  const seen = earlier?.seen ?? EMPTY_MANIFEST;
  const pretrained = await findPretrained(container);
  // Before the photos, which may take long: one that is of no use is refused at once.
  if (pretrained && earlier?.network.kind !== 'network') {
    const range = parseRange(hyperparameters.pretrainedRange);
    (await Backbone.load(pretrained.directory, { range })).dispose();
  }
  const onProgress = progressReporter(log, PROGRESS_SECONDS);
  const { dataset, split } = await readPhotos({ container, seen, seed, signal, log, warn });
  let resumedAfterEpoch: number | null = null;
  const checkpoints = container.at(TRAINING_PATHS.checkpoints);
  const { trainer, backbone, serialize } = chooseStrategy({
    ...{ labels: dataset.labels, hyperparameters, log },
    earlier: earlier?.network,
    pretrained,
    featuresDirectory: path.join(checkpoints, 'features'),
    run: {
      signal,
      checkpoints: new CheckpointStore(checkpoints, { onWarning: warn }),
      onResume: (progress) => {
        resumedAfterEpoch = progress.history.length;
        log(describeResume(progress));
      },
      onStep: (done, total) => onProgress('Steps of this epoch', done, total),
      onEpoch: (result) => log(epochLine(split.train.length, result)),
    },
  });
  const result = await trainModel({
    ...{ dataset, split, trainer, backend, signal, log, seed, onProgress },
    version: versionAt(new Date()),
    command: commandOf(hyperparameters, backbone, environment),
  });

  if (!result.metrics.calibration) warn(describeUncalibrated(split.validation.length));
  const { seconds, photosPerSecond } = result.metrics.training;
  await writeOutputs(container, {
    result,
    network: await serialize(),
    seen: extendManifest(split, seen),
    job: {
      backend: backend.reason,
      gpu,
      machine,
      hyperparameters: { ...storedOptions(hyperparameters), patience: patience ?? undefined },
      secondsOfTraining: seconds,
      secondsOfThisRun: (performance.now() - started) / 1000,
      photosPerSecond,
      keptEpoch: keptEpoch(result, hyperparameters),
      resumedAfterEpoch,
      wentOnFromEarlierModel: earlier !== undefined,
      warnings,
    },
  });
  log(resultLine(result));
};
