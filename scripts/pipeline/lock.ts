import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isAlive } from '../shared/processes.ts';

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
