import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT_VARIABLE } from '../../model/jobs/container.ts';
import { ROOT } from '../shared/paths.ts';
import { environmentWithoutAws, runProcess } from '../shared/processes.ts';
import { StepFailure, StepStopped } from './execution.ts';
import type { LocalS3 } from './local-s3.ts';

/** What an image's entry point is to a container: the program that runs every job, before the job's arguments. */
export const ENTRY_POINT: readonly string[] = [
  process.execPath,
  '--import',
  'tsx',
  '--import',
  fileURLToPath(new URL('./end-with-parent.ts', import.meta.url)),
  path.join(ROOT, 'model/jobs/main.ts'),
];

/** SageMaker shows so much of a reason. */
const REASON_LENGTH = 1024;
const LAST_LINES = 5;
/** Begins what a job tells of where in its code it failed: for who reads its file, not for who started it. */
const FRAMES = /\n+ {4}at /;

interface RunOptions {
  readonly entryPoint: readonly string[];
  readonly parameters: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
  /** The job is stopped after so many. */
  readonly seconds: number;
  /** Where the job writes why it failed, as in a container. */
  readonly reasonFile: string;
}

/** A job's folder, which is `/` to it. */
export class Container {
  readonly name: string;
  readonly #root: string;
  readonly #uris: [place: string, uri: string][] = [];

  /** @param jobs holds a folder per job */
  constructor(jobs: string, name: string) {
    this.name = name;
    this.#root = path.join(jobs, name);
  }

  get logFile(): string {
    return path.join(this.#root, 'log.txt');
  }

  /** @param contractPath absolute, as in a container */
  at(contractPath: string): string {
    return path.join(this.#root, contractPath);
  }

  /**
   * Gives the job what lies in S3 at a URI.
   *
   * @param name of this input, for the message
   * @throws StepFailure when nothing lies there
   */
  async provide(s3: LocalS3, uri: string, contractPath: string, name: string): Promise<void> {
    try {
      this.#uris.push([await s3.provide(uri, this.at(contractPath)), uri.replace(/\/$/, '')]);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new StepFailure(`${name} is empty. ${reason}`, { cause });
    }
  }

  /** Makes a folder of the job the place in S3 itself. */
  async share(s3: LocalS3, uri: string, contractPath: string): Promise<void> {
    await s3.share(uri, this.at(contractPath));
    this.#uris.push([this.at(contractPath), uri]);
  }

  /** What the job tells, with its folders called what they are called outside of its container. */
  #fromOutside(text: string): string {
    return this.#uris.reduce((told, [place, uri]) => told.replaceAll(place, uri), text);
  }

  async mkdir(...contractPaths: readonly string[]): Promise<void> {
    for (const each of contractPaths) await mkdir(this.at(each), { recursive: true });
  }

  async writeJson(contractPath: string, value: unknown): Promise<void> {
    await this.mkdir(path.dirname(contractPath));
    await writeFile(this.at(contractPath), `${JSON.stringify(value, null, 2)}\n`);
  }

  /** @returns undefined when the job has written no such file */
  async read(contractPath: string): Promise<string | undefined> {
    return readFile(this.at(contractPath), 'utf8').catch(() => undefined);
  }

  /**
   * Runs the job to its end.
   *
   * @throws StepStopped when the signal was aborted
   * @throws StepFailure with the job's own reason
   */
  async run(options: RunOptions): Promise<void> {
    const { entryPoint, parameters, environment, onLine, signal, seconds, reasonFile } = options;
    const [program = process.execPath, ...fixed] = entryPoint;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), Math.min(seconds * 1000, 2 ** 31 - 1));
    const lines: string[] = [];
    const exit = await runProcess({
      command: [program, ...fixed, ...parameters],
      directory: ROOT,
      environment: { ...environmentWithoutAws(), ...environment, [ROOT_VARIABLE]: this.#root },
      logFile: this.logFile,
      onLine: (line) => {
        const told = this.#fromOutside(line);
        lines.push(told);
        if (lines.length > LAST_LINES) lines.shift();
        onLine(told);
      },
      signal: AbortSignal.any([signal, timeout.signal]),
    }).finally(() => clearTimeout(timer));
    if (signal.aborted) throw new StepStopped('Stopped.');
    const log = `The job's log is ${path.relative(ROOT, this.logFile)}.`;
    if (timeout.signal.aborted)
      throw new StepFailure(`The job was stopped after ${seconds} s, its MaxRuntimeInSeconds. ${log}`);
    // Nobody here has sent a signal: to the pipeline, that is a machine that broke down.
    if (exit.signal !== null)
      throw new StepFailure(`The job was ended by ${exit.signal}. ${log}`, {
        exception: 'SageMaker.JOB_INTERNAL_ERROR',
      });
    if (exit.code === 0) return;
    const [reason = ''] = ((await this.read(reasonFile)) ?? '').slice(0, REASON_LENGTH).split(FRAMES, 1);
    throw new StepFailure(
      `${this.#fromOutside(reason.trim()) || `Exit code ${exit.code}: ${lines.join(' | ')}`} ${log}`,
    );
  }
}
