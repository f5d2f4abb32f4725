import { COMMANDS, TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { Stopped } from '../training/stop.ts';
import { writeExitMessage } from './deploy-endpoint/exit-message.ts';
import { writeFailure } from './failure.ts';
import { OptMl, ROOT_VARIABLE } from './opt-ml.ts';

/**
 * The entry point of the learning image, whose first argument says which job it is. SageMaker itself passes `train` to
 * training jobs; it takes an exit code of 0 for success and any other for a failure.
 */

const USAGE = `Usage: node main.js COMMAND

  train      trains on the channels below /opt/ml/input/data and writes the model to /opt/ml/model
  evaluate   measures a model that was trained, and writes a report
  deploy     puts a model on the SageMaker endpoint

${ROOT_VARIABLE}=DIR takes the place of / before all these paths, to try a job out.
`;

const optMl = OptMl.from(process.env);
const stop = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

interface Job {
  /** @returns the process's exit code */
  readonly run: () => Promise<0 | 1>;
  /** Tells SageMaker why it failed. */
  readonly fail: (error: unknown) => Promise<void> | void;
  /** What to say of it when it was told to stop. */
  readonly stopped: string;
}

/**
 * A stopped training is no failure: SageMaker calls the job stopped, or starts it again after a spot interruption. It
 * leaves its checkpoint and no model, so that none is served that was not trained to its end.
 */
const train = async (): Promise<0> => {
  const { runTrainJob } = await import('./train/job.ts');
  try {
    await runTrainJob({ optMl, environment: process.env, signal: stop.signal, say });
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    const checkpoints = optMl.at(TRAINING_PATHS.checkpoints);
    say(`${error.message} A job with the same data, hyperparameters and ${checkpoints} goes on from here.`);
  }
  return 0;
};

const evaluate = async (): Promise<0> => {
  const { runEvaluateJob } = await import('./evaluate/job.ts');
  const result = await runEvaluateJob({ optMl, signal: stop.signal, say });
  say(result);
  writeExitMessage(optMl, result);
  return 0;
};

const deploy = async (): Promise<0 | 1> => {
  const { runDeployJob } = await import('./deploy-endpoint/job.ts');
  return runDeployJob({ signal: stop.signal });
};

const leaveMessage = (error: unknown): void => writeExitMessage(optMl, textOf(error));

const JOBS: Readonly<Record<string, Job>> = {
  [COMMANDS.train]: { run: train, fail: (error) => writeFailure(optMl, error), stopped: 'Stopped.' },
  [COMMANDS.evaluate]: {
    run: evaluate,
    fail: leaveMessage,
    stopped: 'The evaluation was stopped: start it again.',
  },
  [COMMANDS.deploy]: {
    run: deploy,
    fail: leaveMessage,
    stopped:
      'The deployment was stopped. What it has begun goes on in SageMaker; start it again to see it through.',
  },
};

const [, , command = ''] = process.argv;
const job = JOBS[command];
if (!job) {
  const problem = command === '' ? 'No command was given' : `There is no command ${command}`;
  process.stderr.write(`${problem}.\n\n${USAGE}`);
  process.exit(1);
}

const exitFailed = async (error: unknown): Promise<never> => {
  process.stderr.write(`${textOf(error)}\n`);
  await job.fail(error);
  process.exit(1);
};

// What is thrown outside of the job's own promise.
process.once('uncaughtException', exitFailed);
// The first process of a container has no default handlers: unhandled, SIGTERM would do nothing until SIGKILL comes.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    say(`Received ${signal}.`);
    stop.abort(new Stopped(job.stopped));
  });
}

// Told outright, because whatever a library left open must not keep a machine that is paid for.
process.exit(await job.run().catch(exitFailed));
