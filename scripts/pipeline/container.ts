import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT_VARIABLE } from '../../model/jobs/container.ts';
import { AbortedError } from '../../model/shared/abort.ts';
import { jsonText } from '../../model/shared/files.ts';
import { errorText } from '../../model/shared/text.ts';
import { ROOT } from '../shared/paths.ts';
import { environmentWithoutAws, runProcess } from '../shared/processes.ts';
import type { LocalS3 } from './local-s3.ts';

/** The image's entry point: the program that runs every job, before the job's arguments. */
export const ENTRY_POINT: readonly string[] = [
  process.execPath,
  '--import',
  'tsx',
  '--import',
  fileURLToPath(new URL('./end-with-parent.ts', import.meta.url)),
  path.join(ROOT, 'model/jobs/main.ts'),
];

/** Characters of a reason that SageMaker shows. */
const REASON_LENGTH = 1024;
const LAST_LINES = 5;
/** The start of a stack trace, which is only for the log file. */
const FRAMES = /\n+ {4}at /;

interface JobOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
  /** Time limit of the job. */
  readonly seconds: number;
  /** Where the job writes why it failed, inside its container. */
  readonly reasonFile: string;
}

/** A job's folder, which stands for the `/` of its container. */
export class Container {
  readonly #root: string;
  readonly #uris: [place: string, uri: string][] = [];

  /** @param jobs folder of all jobs' folders */
  constructor(jobs: string, name: string) {
    this.#root = path.join(jobs, name);
  }

  /** @param contractPath absolute path in the container */
  at(contractPath: string): string {
    return path.join(this.#root, contractPath);
  }

  /**
   * Provides the job with an S3 object or prefix.
   *
   * @param name the input's name, for the message
   * @throws Error if there is nothing at the URI
   */
  async provide(s3: LocalS3, uri: string, contractPath: string, name: string): Promise<void> {
    try {
      this.#uris.push([await s3.provide(uri, this.at(contractPath)), uri.replace(/\/$/, '')]);
    } catch (cause) {
      throw new Error(`${name} is empty. ${errorText(cause)}`, { cause });
    }
  }

  /** Links a folder of the job to a prefix of S3. */
  async share(s3: LocalS3, uri: string, contractPath: string): Promise<void> {
    await s3.share(uri, this.at(contractPath));
    this.#uris.push([this.at(contractPath), uri]);
  }

  /** Replaces the job's folders with their S3 URIs. */
  #withUris(text: string): string {
    return this.#uris.reduce((result, [place, uri]) => result.replaceAll(place, uri), text);
  }

  async mkdir(...contractPaths: readonly string[]): Promise<void> {
    for (const each of contractPaths) await mkdir(this.at(each), { recursive: true });
  }

  async writeJson(contractPath: string, value: unknown): Promise<void> {
    await this.mkdir(path.dirname(contractPath));
    await writeFile(this.at(contractPath), jsonText(value));
  }

  /** @returns undefined if the job wrote no such file */
  async read(contractPath: string): Promise<string | undefined> {
    return readFile(this.at(contractPath), 'utf8').catch(() => undefined);
  }

  /**
   * Runs the job to its end.
   *
   * @throws AbortedError if the signal was aborted
   * @throws Error with the job's own reason
   */
  async run(options: JobOptions): Promise<void> {
    const { command, environment, onLine, signal, seconds, reasonFile } = options;
    const [program = process.execPath, ...parameters] = command;
    const timeout = AbortSignal.timeout(Math.min(seconds * 1000, 2 ** 31 - 1));
    const logFile = path.join(this.#root, 'log.txt');
    let lines: string[] = [];
    const exit = await runProcess({
      command: [program, ...parameters],
      directory: ROOT,
      environment: { ...environmentWithoutAws(), ...environment, [ROOT_VARIABLE]: this.#root },
      logFile,
      ipc: true,
      onLine: (line) => {
        const text = this.#withUris(line);
        lines = [...lines, text].slice(-LAST_LINES);
        onLine(text);
      },
      signal: AbortSignal.any([signal, timeout]),
    });
    if (signal.aborted) throw new AbortedError('Stopped.');
    const log = `The job's log is ${path.relative(ROOT, logFile)}.`;
    if (timeout.aborted)
      throw new Error(`The job was stopped after ${seconds} s, its MaxRuntimeInSeconds. ${log}`);
    if (exit.signal !== null) throw new Error(`The job was ended by ${exit.signal}. ${log}`);
    if (exit.code === 0) return;
    const [reason = ''] = ((await this.read(reasonFile)) ?? '').slice(0, REASON_LENGTH).split(FRAMES, 1);
    throw new Error(
      `${this.#withUris(reason.trim()) || `Exit code ${exit.code}: ${lines.join(' | ')}`} ${log}`,
    );
  }
}
