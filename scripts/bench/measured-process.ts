import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { z } from 'zod';
import { ROOT } from '../shared/paths.ts';
import { environmentWithoutAws, LOCAL_AWS } from '../shared/processes.ts';

const SERVICE_CORE = '0';
const LOAD_CORE = '1';
const MS_PER_TICK = 10;

/** Pins this process to the core of the load. @returns whether `taskset` is available */
const isPinned = spawnSync('taskset', ['-apc', LOAD_CORE, String(process.pid)]).status === 0;

/** Describes the assignment of cores. */
export const PINNING = isPinned
  ? 'The service has one core; the load and the upstream have the other.'
  : 'Without taskset, the service and the load share all cores.';

/** Makes a server listen on a free port. @returns the port */
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

/**
 * Starts a service on its own core, and reads its CPU time and memory from `/proc` (`man 5 proc`).
 *
 * @param command arguments of Node
 */
export const startMeasured = async (command: readonly string[], environment: Record<string, string>) => {
  const port = await freePort();
  const pin = isPinned ? ['taskset', '-c', SERVICE_CORE] : ['env'];
  const [program = '', ...parameters] = [...pin, process.execPath, ...command];
  const own = { PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn', NODE_ENV: 'production' };
  const child = spawn(program, parameters, {
    cwd: ROOT,
    env: { ...environmentWithoutAws(), ...LOCAL_AWS, ...environment, ...own },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const isUp = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1').on('error', () => resolve(false));
      socket.on('connect', () => resolve(socket.destroy().destroyed));
    });
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`${command.at(-1)} did not start.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const read = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'latin1');
  return {
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    /** CPU time so far, in milliseconds. */
    cpuMs: (): number => {
      // Fields 14 and 15; the name before them may contain blanks.
      const [user, system] = read('stat').split(') ').at(-1)?.split(' ').slice(11, 13) ?? [];
      return (Number(user) + Number(system)) * MS_PER_TICK;
    },
    peakMiB: (): number => Number(/VmHWM:\s+(\d+)/.exec(read('status'))?.[1]) / 1024,
    stop: async (): Promise<void> => {
      const exit = once(child, 'exit');
      end();
      await exit;
      process.off('exit', end);
    },
  };
};

export type MeasuredProcess = Awaited<ReturnType<typeof startMeasured>>;
