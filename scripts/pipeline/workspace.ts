import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MODEL_ARCHIVE, TRAINING_PATHS } from '../../model/contract/sagemaker-jobs.ts';
import { FOLDERS, placeholderObjects } from '../../stacks/learning/folders.ts';
import { ModelRegistry } from '../aws-double/registry.ts';
import { buildFolder, endpointFolder } from '../shared/paths.ts';
import { isAlive } from '../shared/processes.ts';
import type { StepOutput } from './definition.ts';
import { GIVEN_BUCKET, givenPrefix } from './inputs.ts';
import { LocalS3 } from './local-s3.ts';
import { ExecutionRecords } from './record.ts';

const FILE = 'running.json';

const ownerSchema = z.object({ pid: z.int() });

/** Which process holds it; undefined when it is gone, or its file was cut short by a crash. */
const ownerOf = async (file: string): Promise<number | undefined> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    const { pid } = ownerSchema.parse(JSON.parse(text));
    return isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Keeps a folder to one pipeline at a time: what lies there, above all the local SageMaker and an execution that may be
 * gone on with, is not made for two.
 *
 * @returns lets the next one in
 * @throws Error when another process works there
 */
export const lockFolder = async (folder: string): Promise<() => Promise<void>> => {
  const file = path.join(folder, FILE);
  await mkdir(folder, { recursive: true });
  const take = () => writeFile(file, `${JSON.stringify({ pid: process.pid })}\n`, { flag: 'wx' });
  await take().catch(async (cause: unknown) => {
    const owner = await ownerOf(file);
    if (owner !== undefined)
      throw new Error(
        `Another pipeline is running, in process ${owner}. Wait for its end, or stop it with Ctrl-C. If that process is no pipeline, remove ${file}.`,
        { cause },
      );
    // Whoever held it was killed.
    await rm(file, { force: true });
    await take();
  });
  return () => rm(file, { force: true });
};

const MODEL_CARD = 'MODEL_CARD.md';

const trainedSchema = z.object({ ModelArtifacts: z.object({ S3ModelArtifacts: z.string() }) });

/** @returns nothing when there is no such folder */
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Where everything lies that pipelines make on this machine. */
export class Workspace {
  readonly folder: string;
  /** What the local endpoint serves. */
  readonly endpoint: string;
  readonly s3: LocalS3;
  readonly registry: ModelRegistry;
  readonly records: ExecutionRecords;

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.folder = path.join(buildFolder(environment), 'pipeline');
    this.endpoint = endpointFolder(environment);
    this.s3 = new LocalS3(path.join(this.folder, 's3'));
    this.registry = new ModelRegistry(path.join(this.folder, 'registry'));
    this.records = new ExecutionRecords(path.join(this.folder, 'executions'));
  }

  get jobs(): string {
    return path.join(this.folder, 'jobs');
  }

  get sageMakerState(): string {
    return path.join(this.folder, 'sagemaker.json');
  }

  get endpointLog(): string {
    return path.join(this.folder, 'endpoint.log');
  }

  /** For the Terraform of an execution; with the execution's jobs, so that it goes when they do. */
  synthFolder(execution: string): string {
    return path.join(this.jobs, `synth-${execution}`);
  }

  /** The archives of the models that the steps have trained. */
  models(outputs: ReadonlyMap<string, StepOutput>): string[] {
    return [...outputs.values()].flatMap(({ properties }) => {
      const { data } = trainedSchema.safeParse(properties);
      return data ? [this.s3.path(data.ModelArtifacts.S3ModelArtifacts)] : [];
    });
  }

  /**
   * Lays the reports of the trainings among the steps where they outlast their jobs.
   *
   * @returns their model cards; beside each lie the pictures that it shows
   */
  async reports(outputs: ReadonlyMap<string, StepOutput>): Promise<string[]> {
    const cards: string[] = [];
    for (const { properties } of outputs.values()) {
      const { TrainingJobName: name } = properties;
      if (typeof name !== 'string') continue;
      const output = path.join(this.jobs, name, TRAINING_PATHS.output);
      if (!(await namesIn(output)).includes(MODEL_CARD)) continue;
      const report = path.join(this.folder, 'reports', name);
      await cp(output, report, { recursive: true });
      cards.push(path.join(report, MODEL_CARD));
    }
    return cards;
  }

  /** The checkpoints of an execution's trainings, in every bucket. */
  async #checkpoints(execution: string): Promise<string[]> {
    const buckets = await this.s3.buckets();
    return buckets.map((bucket) => this.s3.path(`s3://${bucket}/${FOLDERS.checkpoints}/${execution}`));
  }

  /** Whether a training of an execution has left anything to go on from. */
  async hasCheckpoint(execution: string): Promise<boolean> {
    const found = await Promise.all((await this.#checkpoints(execution)).map(namesIn));
    return found.flat().length > 0;
  }

  /** Takes away what nobody needs but an execution itself. Links, as to photos, go; what they lead to stays. */
  async drop(execution: string): Promise<void> {
    const jobs = (await namesIn(this.jobs)).filter((name) => name.includes(execution));
    for (const place of [
      ...jobs.map((name) => path.join(this.jobs, name)),
      this.s3.path(`s3://${GIVEN_BUCKET}/${execution}`),
      ...(await this.#checkpoints(execution)),
    ])
      await rm(place, { recursive: true, force: true });
    await this.records.remove(execution);
  }

  /** Drops the executions that cannot be gone on with any more: all but one, and the last before it that can. */
  async clean(current: string): Promise<void> {
    const others = (await this.records.all()).filter(({ id }) => id !== current);
    const kept = new Set([current, others.find(({ resumable }) => resumable)?.id]);
    for (const id of await this.records.ids()) if (!kept.has(id)) await this.drop(id);
  }

  /**
   * Puts a file or folder of this machine into S3, for one execution.
   *
   * @returns the prefix to give to a parameter
   */
  async provide(execution: string, parameter: string, file: string): Promise<string> {
    const prefix = givenPrefix(execution, parameter);
    await this.s3.put(file, (await stat(file)).isDirectory() ? prefix : `${prefix}${MODEL_ARCHIVE}`);
    return prefix;
  }

  /** Lays the notes into those prefixes, of the parameters', that may hold nothing else, as Terraform does. */
  async provideNotes(values: Iterable<unknown>): Promise<void> {
    for (const value of values) {
      const [, bucket] = /^s3:\/\/([^/]+)\//.exec(String(value)) ?? [];
      if (bucket === undefined) continue;
      const note = Object.values(placeholderObjects(bucket)).find(({ prefix }) => prefix === value);
      if (!note) continue;
      const file = this.s3.path(`s3://${bucket}/${note.key}`);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, note.content);
    }
  }
}
