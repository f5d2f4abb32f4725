import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { z } from 'zod';
import { ROOT } from '../shared/paths.ts';
import { environmentWithoutAws, LOCAL_AWS } from '../shared/processes.ts';

const SERVICE_CORE = '0';
const LOAD_CORE = '1';
const MS_PER_TICK = 10;

/** Moves this process to the core of the load. @returns whether there is `taskset` */
const isPinned = spawnSync('taskset', ['-apc', LOAD_CORE, String(process.pid)]).status === 0;

/** How the cores are shared out, for people. */
export const PINNING = isPinned
  ? 'The service has one core; load, and what it calls, the other.'
  : 'Without taskset, service and load share all cores.';

/** Has a server listen where nobody else does. @returns its port */
export const listen = async (server: Server): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return z.object({ port: z.number() }).parse(server.address()).port;
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  const port = await listen(server);
  await once(server.close(), 'close');
  return port;
};

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
    const pin = isPinned ? ['taskset', '-c', SERVICE_CORE] : ['env'];
    const [program = '', ...parameters] = [...pin, process.execPath, ...command];
    const own = { PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn', NODE_ENV: 'production' };
    const child = spawn(program, parameters, {
      cwd: ROOT,
      env: { ...environmentWithoutAws(), ...LOCAL_AWS, ...environment, ...own },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const isUp = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1').on('error', () => resolve(false));
        socket.on('connect', () => resolve(socket.destroy().destroyed));
      });
    while (!(await isUp())) {
      if (child.exitCode !== null) throw new Error(`${command.at(-1)} did not start.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return new MeasuredProcess(child, `http://127.0.0.1:${port}`);
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
