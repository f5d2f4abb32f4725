import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { isAlive } from './processes.ts';

const ownerSchema = z.object({ pid: z.int(), command: z.string(), since: z.string() });

/** Who has the lock; nothing when that process is gone, or its file was cut short. */
const readOwner = (file: string): z.output<typeof ownerSchema> | undefined => {
  try {
    const owner = ownerSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return isAlive(owner.pid) ? owner : undefined;
  } catch {
    return undefined;
  }
};

const READ_ONLY = ['EACCES', 'EPERM', 'EROFS'];

/**
 * Reserves a file for this process until it ends. The lock of a process that is gone is taken over.
 *
 * @param command this one, as people type it
 * @returns releases it before
 * @throws Error with one line that says who has it, or that the folder cannot be written
 */
export const takeLock = (file: string, command: string): (() => void) => {
  const text = JSON.stringify({ pid: process.pid, command, since: new Date().toISOString() });
  const take = (): void => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`, { flag: 'wx' });
  };
  try {
    take();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (READ_ONLY.includes(code))
      throw new Error(
        `${path.dirname(file)} cannot be written (${code}). ${command} keeps what it makes in this folder: run it in a copy of the project that is yours to write.`,
        { cause },
      );
    if (code !== 'EEXIST') throw cause;
    const owner = readOwner(file);
    if (owner)
      throw new Error(
        `${owner.command} is at work in ${path.dirname(file)}, in process ${owner.pid} since ${owner.since}. Wait for its end, or stop it with Ctrl-C. (If that process is another program, remove ${file}.)`,
        { cause },
      );
    rmSync(file, { force: true });
    take();
  }
  const release = (): void => {
    process.off('exit', release);
    rmSync(file, { force: true });
  };
  process.once('exit', release);
  return release;
};
