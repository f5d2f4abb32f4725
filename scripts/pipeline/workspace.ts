import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MODEL_ARCHIVE, TRAINING_PATHS } from '../../model/contract/learning-jobs.ts';
import { notesOf } from '../../stacks/learning/pipelines/notes.ts';
import { buildFolder, endpointFolder } from '../local/build-folder.ts';
import type { StepOutput } from './definition/variables.ts';
import { ExecutionRecords } from './execution/record.ts';
import { checkGivenFile } from './given-files.ts';
import { LocalS3 } from './storage/local-s3.ts';
import { Registry } from './storage/registry.ts';

/** The bucket of what a person points to with an option; no bucket of AWS has such a short life. */
const BUCKET = 'this-machine';
const MODEL_CARD = 'MODEL_CARD.md';

/** Where everything lies that pipelines make on this machine. */
export class Workspace {
  readonly folder: string;
  /** What the local endpoint serves. */
  readonly endpoint: string;
  readonly s3: LocalS3;
  readonly registry: Registry;
  readonly records: ExecutionRecords;

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.folder = path.join(buildFolder(environment), 'pipeline');
    this.endpoint = endpointFolder(environment);
    this.s3 = new LocalS3(path.join(this.folder, 's3'));
    this.registry = new Registry(path.join(this.folder, 'registry'));
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

  /** The model cards of the trainings among the steps; beside each lie the pictures that it shows. */
  async reports(outputs: ReadonlyMap<string, StepOutput>): Promise<string[]> {
    const cards = [...outputs.values()].flatMap(({ properties: { TrainingJobName: name } }) =>
      typeof name === 'string' ? [path.join(this.jobs, name, TRAINING_PATHS.output, MODEL_CARD)] : [],
    );
    const found = await Promise.all(cards.map((card) => stat(card).catch(() => undefined)));
    return cards.filter((_, index) => found[index]?.isFile());
  }

  /**
   * Puts a file or folder of this machine into S3, for one execution.
   *
   * @returns the prefix to give to a parameter
   * @throws Error when it is not there, or not what the parameter takes
   */
  async provide(execution: string, parameter: string, file: string): Promise<string> {
    await checkGivenFile(parameter, file);
    const prefix = `s3://${BUCKET}/${execution}/${parameter}/`;
    await this.s3.put(file, (await stat(file)).isDirectory() ? prefix : `${prefix}${MODEL_ARCHIVE}`);
    return prefix;
  }

  /** Lays the notes into those prefixes, of the parameters', that may hold nothing else, as Terraform does. */
  async provideNotes(values: Iterable<unknown>): Promise<void> {
    for (const value of values) {
      const [, bucket] = /^s3:\/\/([^/]+)\//.exec(String(value)) ?? [];
      if (bucket === undefined) continue;
      const note = Object.values(notesOf(bucket)).find(({ prefix }) => prefix === value);
      if (!note) continue;
      const file = this.s3.path(`s3://${bucket}/${note.key}`);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, note.content);
    }
  }
}
