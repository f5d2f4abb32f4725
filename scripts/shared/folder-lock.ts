import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isAlive } from './processes.ts';

const LOCK_FILE = 'running.json';

const ownerSchema = z.object({ pid: z.int() });

/** The process that has the lock; undefined when it is gone, or its file was cut short by a crash. */
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
 * Reserves a folder for this process: what can be resumed is not made for two. The lock of a killed process is taken over
 * at once, so that it can be resumed at once.
 *
 * @param work what is done in the folder, such as "training"
 * @returns releases it
 * @throws Error when another process has it
 */
export const lockFolder = async (folder: string, work: string): Promise<() => Promise<void>> => {
  const file = path.join(folder, LOCK_FILE);
  await mkdir(folder, { recursive: true });
  const take = () => writeFile(file, `${JSON.stringify({ pid: process.pid })}\n`, { flag: 'wx' });
  await take().catch(async (cause: unknown) => {
    const owner = await ownerOf(file);
    if (owner !== undefined)
      throw new Error(
        `Another ${work} is running in ${folder}, in process ${owner}. Wait for its end, or stop it with Ctrl-C. If that process is not a ${work}, remove ${file}.`,
        { cause },
      );
    await rm(file, { force: true });
    await take();
  });
  return () => rm(file, { force: true });
};
