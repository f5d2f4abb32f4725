import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { z } from 'zod';
import { ROOT } from '../root.ts';

/** How long a service may take to stop before it is killed. */
const STOP_MS = 4_000;

const readyMessage = z.object({ url: z.url() });

export interface ServiceOptions {
  readonly name: 'endpoint' | 'was' | 'web';
  readonly environment: Readonly<Record<string, string>>;
  /** File for what it prints. @default the terminal */
  readonly logFile?: string;
  /** Called when it ends after it was ready. */
  readonly onExit: () => void;
}

/** One of the services as a child process, configured by its environment only, as it is in a container. */
export class ServiceProcess {
  readonly #name: string;
  readonly #logFile: string | undefined;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  /** Where it listens, once it does; rejects when it ends before. It has then said why. */
  readonly ready: Promise<string>;

  constructor({ name, environment, logFile, onExit }: ServiceOptions) {
    this.#name = name;
    this.#logFile = logFile;
    const log = logFile === undefined ? undefined : openSync(logFile, 'w');
    this.#child = spawn(process.execPath, ['--import', 'tsx', `services/${name}/server.ts`], {
      cwd: ROOT,
      env: environment,
      stdio: ['ignore', log ?? 'inherit', log ?? 'inherit', 'ipc'],
    });
    if (log !== undefined) closeSync(log);
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    this.ready = this.#waitUntilReady().then((url) => {
      this.#child.once('exit', onExit);
      return url;
    });
  }

  #waitUntilReady(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#child.once('message', (message) => resolve(readyMessage.parse(message).url));
      const why = this.#logFile === undefined ? '' : ` ${this.#logFile} says why.`;
      this.#child.once('exit', () => reject(new Error(`The service ${this.#name} did not start.${why}`)));
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
