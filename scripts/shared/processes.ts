import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { ROOT } from './paths.ts';

/**
 * The environment for child processes: ours without AWS's variables, so that real credentials and profiles never reach
 * what runs on this machine instead of on AWS.
 */
export const environmentWithoutAws = (environment: NodeJS.ProcessEnv = process.env): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || name.startsWith('AWS_') ? [] : [[name, value]],
    ),
  );

/** The AWS SDK's standard variables for a caller of local emulators; the credentials are made up. */
export const LOCAL_AWS = {
  AWS_REGION: 'ap-northeast-2',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  // Silences the SDK's warning about Node 20.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
} as const;

/** Whether a process exists and may be signalled by us. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** How a process ended. */
interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface ProcessOptions {
  readonly command: readonly [program: string, ...parameters: string[]];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
  /** Called with each line of its standard error. @default - `onLine` */
  readonly onErrorLine?: (line: string) => void;
  /** A file for its output. @default - none */
  readonly logFile?: string;
  /** Whether it has an IPC channel, whose end tells it that this process has ended. @default false */
  readonly ipc?: boolean;
  /** Stops the process when aborted. */
  readonly signal: AbortSignal;
  /** @default SIGTERM */
  readonly stopSignal?: NodeJS.Signals;
}

/**
 * Runs a process to its end. It gets its own process group, so that Ctrl-C in a terminal only reaches it through
 * `signal`.
 *
 * @throws Error if it cannot be started
 */
export const runProcess = async ({
  command: [program, ...parameters],
  directory,
  environment,
  onLine,
  onErrorLine = onLine,
  logFile,
  ipc = false,
  signal,
  stopSignal = 'SIGTERM',
}: ProcessOptions): Promise<ProcessExit> => {
  const child = spawn(program, parameters, {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc' as const] : [])],
    detached: true,
  });
  const log = logFile === undefined ? undefined : createWriteStream(logFile);
  const ended: Promise<unknown>[] = [];
  for (const [stream, listener] of [
    [child.stdout, onLine],
    [child.stderr, onErrorLine],
  ] as const) {
    if (!stream) continue;
    if (log) stream.pipe(log, { end: false });
    ended.push(once(createInterface({ input: stream }).on('line', listener), 'close'));
  }
  const stop = () => child.kill(stopSignal);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const exit = await new Promise<ProcessExit>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, name) => resolve({ code, signal: name }));
    });
    await Promise.all(ended);
    return exit;
  } finally {
    signal.removeEventListener('abort', stop);
    if (log) await once(log.end(), 'close');
  }
};

/** A service that takes longer to stop is killed. */
const STOP_MS = 4_000;

const readyMessage = z.object({ url: z.url() });

interface ServiceOptions {
  readonly name: 'endpoint' | 'was' | 'web';
  readonly environment: Readonly<Record<string, string>>;
  /** A file for its output. @default - the terminal */
  readonly logFile?: string;
  /** Called when it exits after it was ready. */
  readonly onExit: () => void;
}

/** A service as a child process, configured only by its environment, as in a container. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  /** The service's URL, once it is listening. Rejects if it exits before that; it then has printed why. */
  readonly ready: Promise<string>;

  constructor({ name, environment, logFile, onExit }: ServiceOptions) {
    const log = logFile === undefined ? undefined : openSync(logFile, 'w');
    this.#child = spawn(process.execPath, ['--import', 'tsx', `services/${name}/server.ts`], {
      cwd: ROOT,
      env: environment,
      stdio: ['ignore', log ?? 'inherit', log ?? 'inherit', 'ipc'],
    });
    if (log !== undefined) closeSync(log);
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    this.ready = new Promise((resolve, reject) => {
      this.#child.once('message', (message) => {
        this.#child.once('exit', onExit);
        resolve(readyMessage.parse(message).url);
      });
      const why = logFile === undefined ? '' : ` See ${logFile}.`;
      this.#child.once('exit', () => reject(new Error(`The service ${name} did not start.${why}`)));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGINT');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(kill);
  }
}
