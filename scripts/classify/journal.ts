import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
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

/**
 * Opens the journal of a call: the answers of a run that has not finished, one JSON line each, appended as they come. The
 * same photos and the same service have the same.
 *
 * @param resume keeps the answers of the run before; otherwise they are discarded
 */
export const openJournal = async (call: readonly string[], resume: boolean) => {
  const folder = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'bloomstack');
  const name = createHash('sha256').update(JSON.stringify(call)).digest('hex').slice(0, 16);
  const file = path.join(folder, `classify-${name}.jsonl`);
  await mkdir(folder, { recursive: true });
  if (!resume) await rm(file, { force: true });
  const handle = await open(file, 'a+', 0o600);
  const text = await handle.readFile('utf8');
  const entries = text.split('\n').flatMap((line) => parseLine(line) ?? []);
  const outcomes = new Map(entries.map((entry) => [keyOf(entry), entry.outcome]));
  // After a line that was cut short.
  if (text !== '' && !text.endsWith('\n')) await handle.write('\n');
  return {
    /** The answer that the run before had received. */
    find: (photo: PhotoFile): Outcome | undefined => outcomes.get(keyOf(photo)),
    append: async (photo: PhotoFile, outcome: Outcome): Promise<void> => {
      await handle.write(`${JSON.stringify({ ...photo, outcome })}\n`);
    },
    /** @param finished there is nothing to resume: the file is deleted */
    close: async (finished: boolean): Promise<void> => {
      await handle.close();
      if (finished) await rm(file, { force: true });
    },
  };
};
