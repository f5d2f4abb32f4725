import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 120_000;
const STOP_MS = 10_000;

export interface RunningSystem {
  /** Where the page is. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Like Ctrl-C in a terminal: the whole process group gets the signal. */
const signal = ({ pid }: ChildProcess, name: NodeJS.Signals): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // Gone already.
  }
};

const readyUrl = (child: ChildProcess) =>
  new Promise<string>((resolve, reject) => {
    let output = '';
    const fail = (reason: string) => reject(new Error(`npm start ${reason}. It said:\n${output}`));
    const timeout = setTimeout(() => fail(`was not ready after ${START_MS / 1000} s`), START_MS);
    const read = (chunk: Buffer) => {
      output += chunk;
      const url = /^.*\bready\b.*?(https?:\/\/[^\s/]+)/im.exec(output)?.[1];
      if (url === undefined) return;
      clearTimeout(timeout);
      resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timeout);
      fail(`ended with ${code}`);
    });
  });

/**
 * Starts the whole system on free ports, as a user does: `npm start`. With E2E_URL it takes the one that runs there.
 *
 * @throws Error with what `npm start` printed, when it does not become ready
 */
export const startSystem = async (): Promise<RunningSystem> => {
  const { E2E_URL, ...environment } = process.env;
  if (E2E_URL) return { url: E2E_URL.replace(/\/+$/, ''), stop: async () => {} };
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...environment, WEB_PORT: '0', WAS_PORT: '0', ENDPOINT_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const stop = async () => {
    signal(child, 'SIGINT');
    const kill = setTimeout(() => signal(child, 'SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(kill);
  };
  try {
    return { url: await readyUrl(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
