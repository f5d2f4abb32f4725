import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { definitionSchema } from '../../../stacks/learning/pipelines/definition-schema.ts';
import { stepOutputSchema } from '../definition/variables.ts';

const recordSchema = z.object({
  id: z.string(),
  pipeline: z.string(),
  startedAt: z.string(),
  status: z.enum(['Executing', 'Succeeded', 'Failed', 'Stopped']),
  definition: definitionSchema,
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Of the steps that have succeeded. */
  outputs: z.record(z.string(), stepOutputSchema),
});

/** What an execution was asked, and how far it got. */
export type ExecutionRecord = z.infer<typeof recordSchema>;

/** The executions of this machine, a JSON file each. */
export class ExecutionRecords {
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** One write after the other. */
  save(record: ExecutionRecord): Promise<void> {
    const file = path.join(this.#folder, `${record.id}.json`);
    const text = `${JSON.stringify(record, null, 2)}\n`;
    this.#writing = this.#writing.then(async () => {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(`${file}.tmp`, text);
      await rename(`${file}.tmp`, file);
    });
    return this.#writing;
  }

  /**
   * The last execution, to be gone on with.
   *
   * @throws Error when there is none, or it has succeeded
   */
  async unfinished(): Promise<ExecutionRecord> {
    const names = await readdir(this.#folder).catch(() => []);
    const files = names.filter((name) => name.endsWith('.json'));
    const records = await Promise.all(files.map((name) => this.#read(path.join(this.#folder, name))));
    const last = records.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))[0];
    if (last === undefined)
      throw new Error('There is no execution to resume. Start one: npm run pipeline -- --data DIR');
    if (last.status === 'Succeeded')
      throw new Error(
        `The last execution, ${last.id}, has succeeded: nothing is left of it to resume. Start another: npm run pipeline -- --data DIR`,
      );
    return last;
  }

  async #read(file: string): Promise<ExecutionRecord> {
    try {
      return recordSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch (cause) {
      throw new Error(`${file} cannot be read: it is damaged or of another version. Remove it.`, { cause });
    }
  }
}
