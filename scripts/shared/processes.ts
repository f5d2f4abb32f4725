import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { ROOT } from './paths.ts';

/**
 * What child processes get of our environment: all but AWS's variables, so that real credentials and profiles never
 * reach what runs on this machine instead of on AWS.
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
  // Its advice to leave Node 20 is for those who run the cloud, not for a first try.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
} as const;

/** Whether a process runs, and is ours to signal. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** How a process has ended. */
interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface ProcessOptions {
  readonly command: readonly [program: string, ...parameters: string[]];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Called with each line of its standard output. */
  readonly onLine: (line: string) => void;
  /** Called with each line of its standard error. @default - `onLine` */
  readonly onErrorLine?: (line: string) => void;
  /** File for everything that it prints. @default - none */
  readonly logFile?: string;
  /** Whether it has an IPC channel, whose end shows that this process is gone. @default false */
  readonly ipc?: boolean;
  /** Aborted, it stops the process. */
  readonly signal: AbortSignal;
  /** @default SIGTERM */
  readonly stopSignal?: NodeJS.Signals;
}

/**
 * Runs a process to its end. It is in a process group of its own, so that Ctrl-C in a terminal reaches it through
 * `signal` only.
 *
 * @throws Error of the system when it cannot be started
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

/** How long a service may take to stop before it is killed. */
const STOP_MS = 4_000;

const readyMessage = z.object({ url: z.url() });

interface ServiceOptions {
  readonly name: 'endpoint' | 'was' | 'web';
  readonly environment: Readonly<Record<string, string>>;
  /** File for what it prints. @default - the terminal */
  readonly logFile?: string;
  /** Called when it ends after it was ready. */
  readonly onExit: () => void;
}

/** One of the services as a child process, configured by its environment only, as it is in a container. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  /** Where it listens, once it does; rejects when it ends before. It has then printed why. */
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
      const why = logFile === undefined ? '' : ` ${logFile} says why.`;
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
