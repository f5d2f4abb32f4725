import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { StepFailure } from '../execution/failure.ts';

/** How long SageMaker lets a job take to stop before it is killed. */
const STOP_MS = 120_000;

export interface JobProcessOptions {
  readonly command: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly onLine: (line: string) => void;
  /** Aborted, it ends the process with SIGTERM. */
  readonly signal: AbortSignal;
}

/** How a process has ended. */
export interface JobExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const exhausted = (error: Error) => 'code' in error && ['EAGAIN', 'ENOMEM'].includes(String(error.code));

/**
 * Runs a job's process to its end. It is in a process group of its own, so that Ctrl-C in a terminal does not reach it
 * past us.
 *
 * @throws StepFailure when it cannot be started
 */
export const runProcess = async ({
  command: [program = process.execPath, ...parameters],
  directory,
  environment,
  logFile,
  onLine,
  signal,
}: JobProcessOptions): Promise<JobExit> => {
  const child = spawn(program, parameters, {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  const log = createWriteStream(logFile);
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    stream.pipe(log, { end: false });
    createInterface({ input: stream }).on('line', onLine);
  }
  let kill: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill('SIGTERM');
    kill ??= setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const exit = await new Promise<JobExit>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, name) => resolve({ code, signal: name }));
    });
    log.end();
    await once(log, 'close');
    return exit;
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    throw new StepFailure(`The job's process could not be started: ${error.message}`, {
      cause,
      ...(exhausted(error) && { exception: 'SageMaker.CAPACITY_ERROR' }),
    });
  } finally {
    clearTimeout(kill);
    signal.removeEventListener('abort', stop);
  }
};
