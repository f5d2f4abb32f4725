import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';
import { CHANNELS, MODEL_ARCHIVE, TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { plain } from '../photo/test-photos.ts';
import { writeFiles } from '../shared/files.ts';
import type { Colour } from '../shared/test-pictures.ts';
import { ContainerPaths, ROOT_VARIABLE } from './container.ts';

/** Runs `work` on an empty folder in place of `/`. */
export const withContainer = async (work: (container: ContainerPaths) => Promise<void>): Promise<void> => {
  const container = new ContainerPaths(await mkdtemp(path.join(tmpdir(), 'opt-ml-')));
  try {
    await work(container);
  } finally {
    await rm(container.root, { recursive: true });
  }
};

export const COLOURS: Readonly<Record<string, Colour>> = {
  astilbe: [200, 60, 110],
  bellflower: [70, 80, 210],
  daisy: [230, 230, 200],
};

/** Photos with one colour per class, each in a different shade. */
export const writePhotos = async (
  directory: string,
  counts: Readonly<Record<string, number>>,
  firstShade = 0,
): Promise<void> => {
  for (const [name, count] of Object.entries(counts)) {
    await mkdir(path.join(directory, name), { recursive: true });
    for (let shade = firstShade; shade < firstShade + count; shade++) {
      const [red, green, blue] = COLOURS[name] ?? [0, 0, 0];
      const photo = plain([red, green + shade, blue - 2 * shade]).png();
      await writeFile(path.join(directory, name, `${shade}.png`), await photo.toBuffer());
    }
  }
};

/** A network that takes only a second or two to train. */
const TINY = { stem: '4', blocks: '6', 'first-side': '32', 'learning-rate': '1.0E-2' } as const;

/** The inputs of a training job. Only the given channels exist. */
export const writeInputs = async (
  container: ContainerPaths,
  {
    train,
    test,
    hyperparameters = {},
  }: {
    readonly train: Readonly<Record<string, number>>;
    readonly test?: Readonly<Record<string, number>>;
    readonly hyperparameters?: Readonly<Record<string, string>>;
  },
): Promise<void> => {
  const channel = (name: string) => container.at(TRAINING_PATHS.channels, name);
  await writePhotos(channel(CHANNELS.train), train);
  // Shades that no training photo has.
  if (test) await writePhotos(channel(CHANNELS.test), test, 40);
  await writeFiles(container.root, {
    [TRAINING_PATHS.hyperparameters]: JSON.stringify({ epochs: '1', ...TINY, ...hyperparameters }),
  });
};

/** Packs a folder like SageMaker packs `/opt/ml/model`. */
export const packModel = async (model: string, into: string): Promise<void> => {
  await mkdir(into, { recursive: true });
  await create({ cwd: model, gzip: true, file: path.join(into, MODEL_ARCHIVE) }, ['.']);
};

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a job in its own process, as in a container. */
export const startJob = (
  container: ContainerPaths,
  command: readonly string[],
  environment: NodeJS.ProcessEnv = {},
) => {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...command], {
    env: { ...process.env, [ROOT_VARIABLE]: container.root, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (data: Buffer) => {
      texts[stream] += data.toString();
    });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...texts })));
  return {
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Resolves when it has printed a text a number of times, or has ended. */
    printed: (pattern: RegExp, times: number): Promise<unknown> =>
      Promise.race([
        ended,
        new Promise<void>((resolve) => {
          child.stdout.on('data', () => {
            if ([...texts.stdout.matchAll(pattern)].length >= times) resolve();
          });
        }),
      ]),
  };
};
