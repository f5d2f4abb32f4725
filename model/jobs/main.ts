import { COMMANDS, TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { AbortedError } from '../shared/abort.ts';
import { errorText } from '../shared/text.ts';
import { ContainerPaths, ROOT_VARIABLE, writeExitMessage, writeFailure } from './container.ts';

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

const container = ContainerPaths.from(process.env);
const stop = new AbortController();
const log = (line: string): void => void process.stdout.write(`${line}\n`);
interface Job {
  /** @returns the process's exit code */
  readonly run: () => Promise<0 | 1>;
  /** Reports to SageMaker why it failed. */
  readonly fail: (error: unknown) => Promise<void> | void;
  /** The message when it was asked to stop. */
  readonly stopped: string;
}

/**
 * A stopped training is no failure: SageMaker calls the job stopped, or starts it again after a spot interruption. It
 * leaves its checkpoint and no model, so that none is served that was not trained to its end.
 */
const train = async (): Promise<0> => {
  const { runTrainJob } = await import('./train.ts');
  try {
    await runTrainJob({ container, environment: process.env, signal: stop.signal, log });
  } catch (error) {
    if (!(error instanceof AbortedError)) throw error;
    const checkpoints = container.at(TRAINING_PATHS.checkpoints);
    log(`${error.message} A job with the same data, hyperparameters and ${checkpoints} resumes from here.`);
  }
  return 0;
};

const evaluate = async (): Promise<0> => {
  const { runEvaluateJob } = await import('./evaluate.ts');
  const result = await runEvaluateJob({ container, signal: stop.signal, log });
  log(result);
  writeExitMessage(container, result);
  return 0;
};

const deploy = async (): Promise<0 | 1> => {
  const { runDeployJob } = await import('./deploy/job.ts');
  return runDeployJob({ signal: stop.signal });
};

const leaveMessage = (error: unknown): void => writeExitMessage(container, errorText(error));

const JOBS: Readonly<Record<string, Job>> = {
  [COMMANDS.train]: { run: train, fail: (error) => writeFailure(container, error), stopped: 'Stopped.' },
  [COMMANDS.evaluate]: {
    run: evaluate,
    fail: leaveMessage,
    stopped: 'The evaluation was stopped: start it again.',
  },
  [COMMANDS.deploy]: {
    run: deploy,
    fail: leaveMessage,
    stopped:
      'The deployment was stopped. SageMaker will finish what was started; start it again to see it through.',
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
  process.stderr.write(`${errorText(error)}\n`);
  await job.fail(error);
  process.exit(1);
};

// What is thrown outside of the job's own promise.
process.once('uncaughtException', exitFailed);
// The first process of a container has no default handlers: unhandled, SIGTERM would do nothing until SIGKILL comes.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    log(`Received ${signal}.`);
    stop.abort(new AbortedError(job.stopped));
  });
}

// Exits explicitly, because whatever a library left open must not keep an instance that is paid for.
process.exit(await job.run().catch(exitFailed));
