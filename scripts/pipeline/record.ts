import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { jsonText, replaceFile } from '../../model/shared/files.ts';
import { definitionSchema } from '../../stacks/learning/pipeline-schema.ts';
import { PIPELINES, stepOutputSchema } from './definition.ts';

/** @param count even */
export const randomLetters = (count: number): string => randomBytes(count / 2).toString('hex');

/** SageMaker's name for a job or model that its step does not name. */
export const defaultName = (execution: string, step: string): string =>
  `pipelines-${execution}-${step}-${randomLetters(10)}`;

const requestSchema = z.object({
  pipeline: z.enum(PIPELINES),
  /** A file with another definition than the Terraform's. */
  definition: z.string().optional(),
  /** Parameters by name, as typed. */
  values: z.record(z.string(), z.string()),
  /** Local files and folders, by the parameter that points to them. */
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
  /** Whether there is a point in resuming it. */
  resumable: z.boolean(),
  request: requestSchema,
  /** Absent until the definition has been read. */
  plan: planSchema.optional(),
  /** Outputs of the steps that succeeded. */
  outputs: z.record(z.string(), stepOutputSchema),
});

/** What the command line asked for. */
export type PipelineRequest = z.infer<typeof requestSchema>;

export type Plan = z.infer<typeof planSchema>;

/** An execution: the request, and how far it got. */
export type ExecutionRecord = z.infer<typeof recordSchema>;

/** The executions on this machine, a JSON file each. */
export class ExecutionRecords {
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  file(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }

  /** Writes are serialized. */
  save(record: ExecutionRecord): Promise<void> {
    const text = jsonText(record);
    this.#writing = this.#writing.then(() => replaceFile(this.file(record.id), text));
    return this.#writing;
  }

  /** The latest first, without unreadable ones: a damaged record, or one of another version, cannot be resumed. */
  async all(): Promise<ExecutionRecord[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const read = names.map(async (name) => {
      try {
        return [recordSchema.parse(JSON.parse(await readFile(path.join(this.#folder, name), 'utf8')))];
      } catch {
        return [];
      }
    });
    return (await Promise.all(read)).flat().sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  /**
   * The last execution that can be resumed.
   *
   * @throws Error if there is none
   */
  async lastResumable(): Promise<ExecutionRecord> {
    const all = await this.all();
    const found = all.find(({ resumable }) => resumable);
    if (found) return found;
    const last =
      all[0] &&
      `The last, ${all[0].id}, has ${all[0].status.toLowerCase()} and cannot be resumed. Start another`;
    throw new Error(
      `${last ?? 'There is no execution to resume. Start one'}: npm run pipeline -- --data DIR`,
    );
  }
}
