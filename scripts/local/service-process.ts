import { type ChildProcess, spawn } from 'node:child_process';

import { z } from 'zod';
import { ROOT } from '../root.ts';

/** How long a service may take to stop before it is killed. */
const STOP_MS = 4_000;

const readyMessage = z.object({ url: z.url() });

export interface ServiceOptions {
  readonly name: 'endpoint' | 'was' | 'web';
  readonly environment: Readonly<Record<string, string>>;
  /** Called when it ends without being asked to. */
  readonly onExit: (name: string) => void;
}

/** One of the services as a child process, configured by its environment only, as it is in a container. */
export class ServiceProcess {
  readonly name: string;
  /** Where it listens. */
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(name: string, url: string, child: ChildProcess, exited: Promise<void>) {
    this.name = name;
    this.url = url;
    this.#child = child;
    this.#exited = exited;
  }

  /** Resolves when the service listens. @throws Error when it ends before; it has said why on stderr */
  static async start({ name, environment, onExit }: ServiceOptions): Promise<ServiceProcess> {
    const child = spawn(process.execPath, ['--import', 'tsx', `services/${name}/server.ts`], {
      cwd: ROOT,
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.once('message', (message) => resolve(readyMessage.parse(message).url));
      child.once('exit', () => reject(new Error(`The service ${name} did not start.`)));
    });
    const service = new ServiceProcess(name, url, child, exited);
    child.once('exit', () => onExit(name));
    return service;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGINT');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(kill);
  }
}
