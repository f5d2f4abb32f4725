import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { ROOT } from '../shared/paths.ts';
import { environmentWithoutAws, LOCAL_AWS } from '../shared/processes.ts';

/** The load, the model and what is in front of it are on the other one. */
const SERVICE_CORE = 0;
const LOAD_CORE = 1;
const MS_PER_TICK = 10;
const START_MS = 20_000;

/** Whether processes can be pinned to a core each. */
const canPin = (() => {
  try {
    execFileSync('taskset', ['-pc', String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Moves this process to the core of the load. @returns how the work is shared out, for people */
export const pinLoad = (): string => {
  if (!canPin) return 'Without taskset, service and load share all cores.';
  execFileSync('taskset', ['-apc', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' });
  return 'The service has one core, load and what it calls the other.';
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
};

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** A service on a core of its own, whose processor time and memory are read from `/proc` (`man 5 proc`). */
export class MeasuredProcess {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @param command what Node runs, with its options */
  static async start(command: readonly string[], environment: Record<string, string>) {
    const port = await freePort();
    const pin = canPin ? ['taskset', '-c', String(SERVICE_CORE)] : [];
    const [program = process.execPath, ...parameters] = [...pin, process.execPath, ...command];
    const child = spawn(program, parameters, {
      cwd: ROOT,
      env: {
        ...environmentWithoutAws(),
        ...LOCAL_AWS,
        ...environment,
        PORT: String(port),
        LOG_LEVEL: 'warn',
        HOST: '127.0.0.1',
        NODE_ENV: 'production',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const service = new MeasuredProcess(child, `http://127.0.0.1:${port}`);
    const deadline = performance.now() + START_MS;
    while (!(await isListening(port))) {
      if (performance.now() > deadline || child.exitCode !== null)
        throw new Error(`${command.at(-1)} did not start.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return service;
  }

  /** Processor time so far, in milliseconds. */
  get cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1');
    // Fields 14 and 15; the name before them may hold blanks.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) * MS_PER_TICK;
  }

  /** The most memory that it has held, in MiB. */
  get peakMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
