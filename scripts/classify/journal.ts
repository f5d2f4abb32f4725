import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { isNotFound } from '../../model/shared/files.ts';
import { type Outcome, outcomeSchema } from './client.ts';

/** A photo's file as it was when it was sent: a changed one is sent again. */
export interface PhotoFile {
  readonly file: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

const entrySchema = z.object({
  file: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  outcome: outcomeSchema,
});

const keyOf = ({ file, bytes, modifiedMs }: PhotoFile): string => `${file}\0${bytes}\0${modifiedMs}`;

const parseLine = (line: string) => {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    // A line that was being written when the command was killed.
    return undefined;
  }
};

/** The answers of a run that has not finished, one JSON line each, appended as they come. */
export class Journal {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #outcomes: ReadonlyMap<string, Outcome>;

  private constructor(file: string, handle: FileHandle, outcomes: ReadonlyMap<string, Outcome>) {
    this.#file = file;
    this.#handle = handle;
    this.#outcomes = outcomes;
  }

  /**
   * Opens the journal of a call: the same photos and the same service have the same.
   *
   * @param resume keeps the answers of the run before; otherwise they are discarded
   */
  static async open(call: readonly string[], resume: boolean): Promise<Journal> {
    const folder = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'bloomstack');
    const name = createHash('sha256').update(JSON.stringify(call)).digest('hex').slice(0, 16);
    const file = path.join(folder, `classify-${name}.jsonl`);
    await mkdir(folder, { recursive: true });
    const text = resume
      ? await readFile(file, 'utf8').catch((error: unknown) => {
          if (isNotFound(error)) return '';
          throw error;
        })
      : '';
    const entries = text.split('\n').flatMap((line) => parseLine(line) ?? []);
    const handle = await open(file, resume ? 'a' : 'w', 0o600);
    // After a line that was cut short.
    if (text !== '' && !text.endsWith('\n')) await handle.write('\n');
    return new Journal(file, handle, new Map(entries.map((entry) => [keyOf(entry), entry.outcome])));
  }

  /** The answer that the run before had received. */
  find(photo: PhotoFile): Outcome | undefined {
    return this.#outcomes.get(keyOf(photo));
  }

  async append(photo: PhotoFile, outcome: Outcome): Promise<void> {
    await this.#handle.write(`${JSON.stringify({ ...photo, outcome })}\n`);
  }

  /** @param finished there is nothing to resume: the file is deleted */
  async close(finished: boolean): Promise<void> {
    await this.#handle.close();
    if (finished) await rm(this.#file, { force: true });
  }
}
