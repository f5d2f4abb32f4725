import { ContainerPaths, writeExitMessage } from '../container.ts';
import { createClients } from './clients.ts';
import { type Clock, systemClock } from './clock.ts';
import { deployEndpoint } from './deploy-endpoint.ts';
import { readEnvironment } from './environment.ts';

export interface DeployJobOptions {
  /** What the job is to do; AWS's SDK reads the process's own. @default process.env */
  readonly environment?: NodeJS.ProcessEnv;
  /** @default the system's */
  readonly clock?: Clock;
  /** Ends the job in order. */
  readonly signal?: AbortSignal;
  /** Called with a line of the log. @default to stdout */
  readonly print?: (line: string) => void;
}

const printLine = (line: string): void => void process.stdout.write(`${line}\n`);

/** An error of AWS says what was refused, but not who did it. */
const inWords = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return '$fault' in error
    ? `AWS refused a call of the deployment job (${error.name}): ${error.message} The job's log shows what came before it.`
    : error.message;
};

/**
 * The deployment job of the learning image, as a SageMaker processing job or on any other machine.
 *
 * @returns the process's exit code: 0 when the endpoint serves the model and the model answers
 */
export const runDeployJob = async ({
  environment = process.env,
  clock = systemClock,
  signal,
  print = printLine,
}: DeployJobOptions = {}): Promise<0 | 1> => {
  const end = (message: string): void => {
    print(message);
    try {
      writeExitMessage(ContainerPaths.from(environment), message);
    } catch (error) {
      print(`That message is in this log only: ${String(error)}`);
    }
  };
  try {
    const settings = readEnvironment(environment);
    const clients = createClients(settings.region);
    const startedAt = clock.now();
    const result = await deployEndpoint({ settings, clients, clock, startedAt, report: print, signal });
    end(result.summary);
    return 0;
  } catch (error) {
    end(inWords(error));
    return 1;
  }
};
