import { cp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MODEL_ARCHIVE, TRAINING_PATHS } from '../../model/contract/sagemaker-jobs.ts';
import { FOLDERS, placeholderObjects } from '../../stacks/learning/folders.ts';
import { ModelRegistry } from '../aws-double/registry.ts';
import { buildFolder, endpointFolder } from '../shared/paths.ts';
import type { StepOutput } from './definition.ts';
import { LocalS3 } from './local-s3.ts';
import { ExecutionRecords } from './record.ts';

/** The bucket for files and folders given as options. */
const INPUT_BUCKET = 'this-machine';

const MODEL_CARD = 'MODEL_CARD.md';

const trainedSchema = z.object({
  TrainingJobName: z.string(),
  ModelArtifacts: z.object({ S3ModelArtifacts: z.string() }),
});

/** @returns an empty list if there is no such folder */
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** The files that pipelines create on this machine. */
export class Workspace {
  readonly folder: string;
  /** The local endpoint's model folder. */
  readonly endpoint: string;
  readonly s3: LocalS3;
  readonly registry: ModelRegistry;
  readonly records: ExecutionRecords;
  readonly jobs: string;
  readonly sageMakerState: string;
  /** Allows one execution or change of the model at a time. */
  readonly lock: string;
  readonly endpointLog: string;

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.folder = path.join(buildFolder(environment), 'pipeline');
    this.endpoint = endpointFolder(environment);
    this.s3 = new LocalS3(path.join(this.folder, 's3'));
    this.registry = new ModelRegistry(path.join(this.folder, 'registry'));
    this.records = new ExecutionRecords(path.join(this.folder, 'executions'));
    this.jobs = path.join(this.folder, 'jobs');
    this.sageMakerState = path.join(this.folder, 'sagemaker.json');
    this.lock = path.join(this.folder, 'running.json');
    this.endpointLog = path.join(this.folder, 'endpoint.log');
  }

  /** Temporary folder for an execution's Terraform, which is removed with the execution's jobs. */
  synthFolder(execution: string): string {
    return path.join(this.jobs, `synth-${execution}`);
  }

  /**
   * The results of an execution's trainings. Their reports are copied, so that they outlive the jobs.
   *
   * @returns paths of the model archives and the model cards
   */
  async trained(
    outputs: Readonly<Record<string, StepOutput>>,
  ): Promise<{ models: string[]; reports: string[] }> {
    const [models, reports]: [string[], string[]] = [[], []];
    for (const output of Object.values(outputs)) {
      const { data } = trainedSchema.safeParse(output);
      if (!data) continue;
      models.push(this.s3.path(data.ModelArtifacts.S3ModelArtifacts));
      const made = path.join(this.jobs, data.TrainingJobName, TRAINING_PATHS.output);
      if (!(await namesIn(made)).includes(MODEL_CARD)) continue;
      const report = path.join(this.folder, 'reports', data.TrainingJobName);
      await cp(made, report, { recursive: true });
      reports.push(path.join(report, MODEL_CARD));
    }
    return { models, reports };
  }

  async #checkpoints(execution: string): Promise<string[]> {
    const buckets = await this.s3.buckets();
    return buckets.map((bucket) => this.s3.path(`s3://${bucket}/${FOLDERS.checkpoints}/${execution}`));
  }

  /** Removes everything that only this execution needs. Links, for example to photos, are removed, but not their targets. */
  async drop(execution: string): Promise<void> {
    const jobs = (await namesIn(this.jobs)).filter((name) => name.includes(execution));
    for (const place of [
      ...jobs.map((name) => path.join(this.jobs, name)),
      this.s3.path(`s3://${INPUT_BUCKET}/${execution}`),
      ...(await this.#checkpoints(execution)),
      this.records.file(execution),
    ])
      await rm(place, { recursive: true, force: true });
  }

  /** Drops all executions except the current one and the last other one that can be resumed. */
  async clean(current: string): Promise<void> {
    const others = (await this.records.all()).filter(({ id }) => id !== current);
    const kept = others.find(({ resumable }) => resumable);
    for (const other of others) if (other !== kept) await this.drop(other.id);
  }

  /**
   * Puts a local file or folder into S3 for one execution.
   *
   * @returns its prefix, for a parameter
   */
  async provide(execution: string, parameter: string, file: string): Promise<string> {
    const prefix = `s3://${INPUT_BUCKET}/${execution}/${parameter}/`;
    await this.s3.put(file, (await stat(file)).isDirectory() ? prefix : `${prefix}${MODEL_ARCHIVE}`);
    return prefix;
  }

  /** Writes Terraform's placeholder objects to those prefixes among the parameters that may be empty. */
  async providePlaceholders(values: Iterable<unknown>): Promise<void> {
    for (const value of values) {
      const [, bucket] = /^s3:\/\/([^/]+)\//.exec(String(value)) ?? [];
      if (bucket === undefined) continue;
      const placeholder = Object.values(placeholderObjects(bucket)).find(({ prefix }) => prefix === value);
      if (!placeholder) continue;
      const file = this.s3.path(`s3://${bucket}/${placeholder.key}`);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, placeholder.content);
    }
  }
}
