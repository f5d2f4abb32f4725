import { COMMANDS, TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { AbortedError } from '../shared/abort.ts';
import { errorText } from '../shared/text.ts';
import { ContainerPaths, ROOT_VARIABLE, writeExitMessage, writeFailure } from './container.ts';

/**
 * The entry point of the learning image. Its first argument names the job; SageMaker passes `train` to training jobs.
 * Exit code 0 means success, any other failure.
 */

const USAGE = `Usage: node main.js COMMAND

  train      trains on the channels below /opt/ml/input/data and writes the model to /opt/ml/model
  evaluate   measures a model that was trained, and writes a report
  deploy     puts a model on the SageMaker endpoint

${ROOT_VARIABLE}=DIR takes the place of / before all these paths, to try a job out.
`;

const container = ContainerPaths.from(process.env);
const stop = new AbortController();
const { signal } = stop;
const log = (line: string): void => void process.stdout.write(`${line}\n`);

interface Job {
  readonly run: () => Promise<void>;
  /** The message after it was stopped. */
  readonly stopped: string;
}

const leaveMessage = (message: string): void => {
  log(message);
  writeExitMessage(container, message, log);
};

const JOBS: Readonly<Record<string, Job>> = {
  [COMMANDS.train]: {
    stopped: 'Stopped.',
    run: async () => {
      const { runTrainJob } = await import('./train.ts');
      await runTrainJob({ container, environment: process.env, signal, log }).catch((error: unknown) => {
        if (!(error instanceof AbortedError)) throw error;
        // Not a failure: SageMaker reports the job as stopped, or restarts it after a spot interruption. It leaves a
        // checkpoint but no model, so that no unfinished model is served.
        const checkpoints = container.at(TRAINING_PATHS.checkpoints);
        log(
          `${error.message} A job with the same data, hyperparameters and ${checkpoints} resumes from here.`,
        );
      });
    },
  },
  [COMMANDS.evaluate]: {
    stopped: 'The evaluation was stopped: start it again.',
    run: async () => {
      const { runEvaluateJob } = await import('./evaluate.ts');
      leaveMessage(await runEvaluateJob({ container, signal, log }));
    },
  },
  [COMMANDS.deploy]: {
    stopped:
      'The deployment was stopped. SageMaker will finish what was started; start it again to complete it.',
    run: async () => {
      const { runDeployJob } = await import('./deploy/job.ts');
      leaveMessage(await runDeployJob({ environment: process.env, signal, report: log }));
    },
  },
};

const [, , command = ''] = process.argv;
const job = JOBS[command];
if (!job) {
  process.stderr.write(
    `${command ? `There is no command "${command}"` : 'No command was given'}.\n\n${USAGE}`,
  );
  process.exit(1);
}

const exitFailed = async (error: unknown): Promise<never> => {
  process.stderr.write(`${errorText(error)}\n`);
  if (command === COMMANDS.train) await writeFailure(container, error);
  else writeExitMessage(container, errorText(error), log);
  process.exit(1);
};

// Errors outside of the job's promise.
process.once('uncaughtException', exitFailed);
// The first process of a container has no default signal handlers: SIGTERM would have no effect until SIGKILL.
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    log(`Received ${name}.`);
    stop.abort(new AbortedError(job.stopped));
  });
}

// Exits explicitly, so that nothing that a library left open keeps a paid instance running.
await job.run().then(() => process.exit(0), exitFailed);
