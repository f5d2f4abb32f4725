import { randomInt } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { jsonText, replaceFile } from '../../model/shared/files.ts';
import { definitionSchema } from '../../stacks/learning/pipeline-schema.ts';
import { PIPELINES, stepOutputSchema } from './definition.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

export const randomLetters = (count: number): string =>
  Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join('');

export const executionId = (): string => randomLetters(12);

const isExecutionId = (text: string): boolean => /^[a-z0-9]{12}$/.test(text);

/** What SageMaker calls a job or a model of a step that does not name it. */
export const defaultName = (execution: string, step: string): string =>
  `pipelines-${execution}-${step}-${randomLetters(10)}`;

const requestSchema = z.object({
  pipeline: z.enum(PIPELINES),
  /** File of another definition than the Terraform's. */
  definition: z.string().optional(),
  /** Parameters, by name, as they were typed. */
  values: z.record(z.string(), z.string()),
  /** Files and folders of this machine, by the parameter that points to them. */
  files: z.record(z.string(), z.string()),
});

const planSchema = z.object({
  pipeline: z.string(),
  definition: definitionSchema,
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

const recordSchema = z.object({
  id: z.string(),
  startedAt: z.string(),
  status: z.enum(['Executing', 'Succeeded', 'Failed', 'Stopped']),
  /** Whether resuming it can lead any further. */
  resumable: z.boolean(),
  asked: requestSchema,
  /** Absent until the definition was read. */
  plan: planSchema.optional(),
  /** Of the steps that have succeeded. */
  outputs: z.record(z.string(), stepOutputSchema),
});

/** What was asked for on the command line. */
export type PipelineRequest = z.infer<typeof requestSchema>;

/** What an execution runs. */
export type Plan = z.infer<typeof planSchema>;

/** What was asked for, and how far the execution got. */
export type ExecutionRecord = z.infer<typeof recordSchema>;

const SUFFIX = '.json';

/** The executions of this machine, a JSON file each. */
export class ExecutionRecords {
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  #file(id: string): string {
    return path.join(this.#folder, `${id}${SUFFIX}`);
  }

  /** One write after the other. */
  save(record: ExecutionRecord): Promise<void> {
    const text = jsonText(record);
    this.#writing = this.#writing.then(() => replaceFile(this.#file(record.id), text));
    return this.#writing;
  }

  async remove(id: string): Promise<void> {
    await rm(this.#file(id), { force: true });
  }

  /** All executions on record, even those whose record cannot be read. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => path.basename(name, SUFFIX))
      .filter(isExecutionId);
  }

  /** The records that can be read, the last first; a damaged one, or one of another version, cannot be resumed anyway. */
  async all(): Promise<ExecutionRecord[]> {
    const texts = await Promise.all((await this.ids()).map((id) => readFile(this.#file(id), 'utf8')));
    return texts
      .flatMap((text) => {
        try {
          return [recordSchema.parse(JSON.parse(text))];
        } catch {
          return [];
        }
      })
      .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  /**
   * The last execution that can be resumed.
   *
   * @throws Error when there is none
   */
  async lastResumable(): Promise<ExecutionRecord> {
    const all = await this.all();
    const found = all.find(({ resumable }) => resumable);
    if (found) return found;
    const [last] = all;
    const start = 'npm run pipeline -- --data DIR';
    throw new Error(
      last
        ? `The last execution, ${last.id}, has ${last.status.toLowerCase()}: nothing is left of it to resume. Start another: ${start}`
        : `There is no execution to resume. Start one: ${start}`,
    );
  }
}
