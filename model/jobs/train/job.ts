import path from 'node:path';
import { loadBackend } from '../../backend/backend.ts';
import { metricsLine, TRAINING_PATHS } from '../../contract/sagemaker-jobs.ts';
import { type Learned, learn } from '../../learn/learn.ts';
import { versionAt } from '../../savedmodel/file.ts';
import { pluralize } from '../../shared/text.ts';
import { CheckpointStore } from '../../training/checkpoint.ts';
import type { EpochResult } from '../../training/train.ts';
import type { OptMl } from '../opt-ml.ts';
import { seenAfter } from '../photos-file.ts';
import { chooseStrategy } from './choose-strategy.ts';
import { commandLine } from './command-line.ts';
import { readEarlierModel, seenBefore } from './earlier-model.ts';
import { checkGpu, usesGpu } from './gpu.ts';
import { type Hyperparameters, readHyperparameters } from './hyperparameters.ts';
import { readMachine } from './machine.ts';
import { writeOutputs } from './outputs.ts';
import { readPhotos } from './photos.ts';
import { findPretrained } from './pretrained.ts';

export interface TrainJobOptions {
  readonly optMl: OptMl;
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
  return `After ${pluralize(training.epochs, 'epoch')} the exported model names ${test.correct} of ${test.count} test photos rightly: ${percent(test.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`;
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
          `Going on from a checkpoint, after ${pluralize(history.length, 'epoch')} and ${pluralize(step, 'step')}.`,
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
    seen: seenAfter(split, seen),
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
