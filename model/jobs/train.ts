import path from 'node:path';
import { CHANNELS, metricsLine, PHOTOS_FILE, TRAINING_PATHS } from '../contract/learning-jobs.ts';
import { MODEL_NAME } from '../contract/tensors.ts';
import { counted } from '../counted.ts';
import { containsPhotos, type Dataset, readPhotoFolder } from '../data/dataset.ts';
import {
  extendManifest,
  holdOut,
  photosFileText,
  type Split,
  type SplitManifest,
  testExamples,
} from '../data/split.ts';
import { type Learned, learn } from '../learn/learn.ts';
import type { PretrainedRole } from '../learn/trained-network.ts';
import { reportFiles } from '../report/files.ts';
import { loadBackend } from '../runtime/backend.ts';
import { versionAt } from '../savedmodel/store.ts';
import { emptyFolder, jsonText, writeFiles } from '../shared/files.ts';
import { CheckpointStore } from '../training/checkpoint.ts';
import type { EpochResult } from '../training/train.ts';
import { NETWORK_FILE } from './archive.ts';
import { type ContainerPaths, readMachine } from './container.ts';
import { checkGpu, usesGpu } from './gpu.ts';
import { type Hyperparameters, readHyperparameters } from './hyperparameters.ts';
import { chooseStrategy, findPretrained, readEarlierModel, seenBefore } from './strategy.ts';

/** Set by SageMaker. */
const JOB_NAME = 'TRAINING_JOB_NAME';

/** For the model card: which job it was, and what to type to train alike on another machine. */
export const commandLine = (
  { epochs, batchSize, learningRate, patience, balanced, seed }: Hyperparameters,
  pretrainedRole: PretrainedRole | undefined,
  environment: NodeJS.ProcessEnv,
): string => {
  const options = {
    ...(pretrainedRole && { [pretrainedRole]: 'DIR' }),
    epochs,
    'batch-size': batchSize,
    'learning-rate': learningRate,
    patience,
    seed,
  };
  const typed = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  );
  return [
    `# The SageMaker training job ${environment[JOB_NAME] ?? '(without a name)'}; on another machine:`,
    ['npm run train -- --data DIR', ...typed, ...(balanced ? ['--balanced'] : [])].join(' '),
  ].join('\n');
};

export interface Outputs {
  readonly learned: Learned;
  /** What another training goes on from. */
  readonly network: Uint8Array;
  readonly seen: SplitManifest;
  /** How the job went, as JSON. */
  readonly job: unknown;
}

/**
 * Writes what becomes model.tar.gz, and what becomes output.tar.gz. TensorFlow Serving looks for `saved_model.pb` in
 * folders of digits and passes over the rest.
 */
export const writeOutputs = async (optMl: ContainerPaths, outputs: Outputs): Promise<void> => {
  const { savedModel, ...report } = outputs.learned;
  const [model, output] = [optMl.at(TRAINING_PATHS.model), optMl.at(TRAINING_PATHS.output)];
  await writeFiles(output, { ...(await reportFiles(report)), 'job.json': jsonText(outputs.job) });
  await emptyFolder(model);
  await writeFiles(model, {
    [PHOTOS_FILE]: photosFileText(outputs.seen),
    [NETWORK_FILE]: outputs.network,
    [`${MODEL_NAME}/${report.metrics.version}/saved_model.pb`]: savedModel,
  });
};

export interface PhotosOptions {
  readonly optMl: ContainerPaths;
  /** What the model has seen that the training goes on from. */
  readonly seen: SplitManifest;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly warn: (text: string) => void;
}

export interface Photos {
  readonly dataset: Dataset;
  readonly split: Split;
}

/** The photos of the channels `train` and `test`, divided by what they are for. */
export const readPhotos = async ({
  optMl,
  seen,
  seed,
  signal,
  say,
  warn,
}: PhotosOptions): Promise<Photos> => {
  const folder = (channel: string) => optMl.at(TRAINING_PATHS.channels, channel);
  const read = (channel: string) =>
    readPhotoFolder(folder(channel), { name: `channel ${channel}`, say, warn, signal });
  if (!(await containsPhotos(folder(CHANNELS.train)))) {
    throw new Error(
      `The channel ${CHANNELS.train} holds no photos: ${folder(CHANNELS.train)} must hold one folder of photos per class. Look at TrainData, the S3 prefix that it comes from.`,
    );
  }
  const dataset = await read(CHANNELS.train);
  const tests = (await containsPhotos(folder(CHANNELS.test))) ? await read(CHANNELS.test) : undefined;
  const test = tests && testExamples(dataset, tests, warn);
  const split = holdOut({ dataset, test, seen, seed, warn });
  say(
    `Training on ${counted(split.train.length, 'photo')}, watching ${split.validation.length}, testing on ${split.test.length}.`,
  );
  return { dataset, split };
};

export interface TrainJobOptions {
  readonly optMl: ContainerPaths;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborted, it ends the job once the training is kept. */
  readonly signal: AbortSignal;
  /** Writes a line to the job's log, where SageMaker finds the metrics. */
  readonly say: (line: string) => void;
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** How often a training that takes long says where it is, in seconds. */
const PROGRESS_SECONDS = 15;

/** Says now and then where in an epoch the training is. */
const stepTeller = (say: (line: string) => void) => {
  let told = performance.now();
  return (done: number, total: number): void => {
    if (performance.now() - told < PROGRESS_SECONDS * 1000) return;
    told = performance.now();
    say(`Step ${done} of ${total} of this epoch.`);
  };
};

/** With the metrics in the same line: they are of this epoch, and no other. */
const epochLine = (photos: number, result: EpochResult): string => {
  const { epoch, epochs, trainingLoss, trainingAccuracy, validation, seconds } = result;
  const metrics = metricsLine({ training: { loss: trainingLoss, accuracy: trainingAccuracy }, validation });
  return `Epoch ${epoch} of ${epochs} took ${seconds.toFixed(1)} s, ${(photos / seconds).toFixed(1)} photos a second. ${metrics}`;
};

const resultLine = ({ metrics: { test, training } }: Learned): string => {
  const [low, high] = test.interval;
  return `After ${counted(training.epochs, 'epoch')} the exported model names ${test.correct} of ${test.count} test photos rightly: ${percent(test.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`;
};

/** The epoch whose weights were kept: the one of the lowest validation loss, where it was looked for. */
const keptEpoch = ({ metrics: { history } }: Learned, { patience }: Hyperparameters): number => {
  const losses = history.map(({ validation }) => validation?.loss ?? Number.POSITIVE_INFINITY);
  const lowest = Math.min(...losses);
  return patience === undefined || !Number.isFinite(lowest) ? history.length : losses.indexOf(lowest) + 1;
};

/**
 * The training job of the learning image: reads SageMaker's channels and hyperparameters, trains, and writes model and
 * report where SageMaker fetches them. It goes on from a checkpoint, if there is one of the same training.
 *
 * @throws Stopped when its signal is aborted
 * @throws Error whose message tells the person who started the job what to do
 */
export const runTrainJob = async ({ optMl, environment, signal, say }: TrainJobOptions): Promise<void> => {
  const started = performance.now();
  const warnings: string[] = [];
  const warn = (text: string) => {
    warnings.push(text);
    say(`Warning: ${text}`);
  };
  const hyperparameters = await readHyperparameters(optMl.at(TRAINING_PATHS.hyperparameters));
  const machine = await readMachine(optMl);
  const backend = await loadBackend();
  const gpu = usesGpu();
  say(`Computing ${gpu ? 'on a GPU' : 'without a GPU'}, on ${backend.reason}.`);
  checkGpu(environment, backend);

  const earlier = await readEarlierModel(optMl);
  const seen = seenBefore(earlier);
  const { dataset, split } = await readPhotos({
    optMl,
    seen,
    seed: hyperparameters.seed,
    signal,
    say,
    warn,
  });
  const { labels } = dataset;
  const resumed: number[] = [];
  const checkpoints = optMl.at(TRAINING_PATHS.checkpoints);
  const { train, pretrainedRole, encode } = chooseStrategy({
    ...{ labels, hyperparameters, say },
    earlier: earlier?.network,
    pretrained: await findPretrained(optMl),
    featuresDirectory: path.join(checkpoints, 'features'),
    run: {
      signal,
      checkpoints: new CheckpointStore(checkpoints, { onWarning: warn }),
      onResume: ({ history, step }) => {
        resumed.push(history.length);
        say(
          `Going on from a checkpoint, after ${counted(history.length, 'epoch')} and ${counted(step, 'step')}.`,
        );
      },
      onStep: stepTeller(say),
      onEpoch: (result) => say(epochLine(split.train.length, result)),
    },
  });
  const learned = await learn({
    ...{ dataset, split, train, backend, signal, say },
    version: versionAt(new Date()),
    command: commandLine(hyperparameters, pretrainedRole, environment),
    seed: hyperparameters.seed,
  });

  await writeOutputs(optMl, {
    learned,
    network: await encode(),
    seen: extendManifest(split, seen),
    job: {
      backend: backend.reason,
      gpu,
      machine,
      hyperparameters,
      secondsOfTraining: learned.metrics.training.seconds,
      secondsOfThisRun: (performance.now() - started) / 1000,
      photosPerSecond: learned.metrics.training.photosPerSecond,
      keptEpoch: keptEpoch(learned, hyperparameters),
      resumedAfterEpoch: resumed[0] ?? null,
      wentOnFromEarlierModel: earlier !== undefined,
      warnings,
    },
  });
  say(resultLine(learned));
};
