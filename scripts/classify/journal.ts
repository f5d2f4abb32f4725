import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { type ClassifyOutcome, outcomeSchema } from './client.ts';

/** A photo's file when it was sent; if it has changed since, it is sent again. */
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

const photoKey = ({ file, bytes, modifiedMs }: PhotoFile): string => `${file}\0${bytes}\0${modifiedMs}`;

const parseLine = (line: string) => {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    // A line that was only partly written when the command was killed.
    return undefined;
  }
};

/**
 * Opens the journal of an unfinished run, which holds each answer as a line of JSON. There is one for each combination
 * of photos and service.
 *
 * @param resume keeps the answers of the previous run; otherwise they are discarded
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
  const outcomes = new Map(entries.map((entry) => [photoKey(entry), entry.outcome]));
  // Ends a truncated line.
  if (text !== '' && !text.endsWith('\n')) await handle.write('\n');
  return {
    /** The answer that the previous run received. */
    find: (photo: PhotoFile): ClassifyOutcome | undefined => outcomes.get(photoKey(photo)),
    append: async (photo: PhotoFile, outcome: ClassifyOutcome): Promise<void> => {
      await handle.write(`${JSON.stringify({ ...photo, outcome })}\n`);
    },
    /** @param finished nothing is left to resume, so the file is deleted */
    close: async (finished: boolean): Promise<void> => {
      await handle.close();
      if (finished) await rm(file, { force: true });
    },
  };
};
