import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { findOnPath, isExecutable } from '../../requirements.ts';
import { codeBuild, codePipeline } from './overlay/delivery.ts';
import { applicationAutoscaling, ecs } from './overlay/ecs.ts';
import { budgets, codeCommit, logQueries } from './overlay/kept-services.ts';
import type { Overlay } from './overlay/overlay.ts';
import { sageMaker } from './overlay/sagemaker.ts';
import { startProxy } from './proxy.ts';

export { ACCOUNT } from './overlay/overlay.ts';

const START_MS = 60_000;
const STOP_MS = 10_000;

/**
 * Runs a command until its stdin is closed, by stop() or by the system when the test process dies. A plain child
 * process would outlive a parent that is killed.
 */
const UNTIL_STDIN_ENDS = `
exec 3<&0
"$@" 3<&- </dev/null & server=$!
{ cat <&3 >/dev/null; kill "$server"; } 2>/dev/null &
wait "$server"`;

export interface Emulator {
  /** Value of AWS_ENDPOINT_URL. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** A line of moto's access log or startup message; anything else that it prints is an error. */
const ROUTINE = /^\S+ - - \[|^WARNING: This is a development server|^ \* |^Press CTRL\+C/;

export const MISSING_MOTO =
  'the tests of the deployment need moto_server on the PATH (pip install "moto[server]==5.2.1"), or its path in MOTO_SERVER';

/**
 * @returns the path of `moto_server`, from MOTO_SERVER or the PATH; undefined if there is none
 * @throws Error if MOTO_SERVER is not executable
 */
export const findEmulator = (): string | undefined => {
  const { MOTO_SERVER } = process.env;
  if (!MOTO_SERVER) return findOnPath('moto_server');
  if (isExecutable(MOTO_SERVER)) return MOTO_SERVER;
  throw new Error(`MOTO_SERVER is ${MOTO_SERVER}, which is not a program; ${MISSING_MOTO}`);
};

/**
 * Starts moto_server on a free port of 127.0.0.1.
 *
 * @throws Error if it does not start; it then has printed why
 */
const startMoto = async (command: string): Promise<Emulator> => {
  const child = spawn('sh', ['-c', UNTIL_STDIN_ENDS, 'sh', command, '-H', '127.0.0.1', '-p', '0'], {
    // For roles with AWS-managed policies.
    env: { ...process.env, MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' },
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.stdin.end();
    const kill = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(kill);
  };
  const url = await new Promise<string | undefined>((resolve) => {
    const late = setTimeout(() => resolve(undefined), START_MS);
    const lines = createInterface(child.stderr).on('line', (line) => {
      const plain = stripVTControlCharacters(line);
      const [, listening] = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(plain) ?? [];
      if (listening !== undefined) resolve(listening);
      // A client only sees a page with "500", so the reason goes to the test's output.
      if (!ROUTINE.test(plain)) console.error(`moto_server: ${plain}`);
    });
    lines.once('close', () => {
      clearTimeout(late);
      resolve(undefined);
    });
  });
  if (url !== undefined) return { url, stop };
  await stop();
  throw new Error(`moto_server did not start within ${START_MS / 1000} s.`);
};

/** New overlays for everything that moto 5.2.1 lacks for our stack. */
export const overlays = (): readonly Overlay[] => [
  applicationAutoscaling(),
  budgets(),
  codeBuild(),
  codeCommit(),
  codePipeline(),
  ecs(),
  logQueries(),
  sageMaker(),
];

/**
 * Starts an empty AWS account on this machine: moto, with overlays for what it lacks.
 *
 * @throws Error if moto_server is missing or does not start
 */
export const startEmulator = async (): Promise<Emulator> => {
  const command = findEmulator();
  if (command === undefined) throw new Error(`The AWS emulator is missing: ${MISSING_MOTO}`);
  const moto = await startMoto(command);
  const proxy = await startProxy(moto.url, overlays());
  return {
    url: proxy.url,
    stop: async () => {
      await proxy.stop();
      await moto.stop();
    },
  };
};

/**
 * Provider settings for the emulator. Write them as `emulator_override.tf.json` next to the stack and set
 * AWS_ENDPOINT_URL, so that the stack itself need not know about the emulator.
 */
export const emulatorOverride = () => ({
  provider: {
    aws: [
      {
        access_key: 'emulator',
        secret_key: 'emulator',
        max_retries: 2,
        s3_use_path_style: true,
        skip_credentials_validation: true,
        skip_metadata_api_check: 'true',
      },
    ],
  },
});
