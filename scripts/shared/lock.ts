import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { isAlive } from './processes.ts';

const ownerSchema = z.object({ pid: z.int(), command: z.string(), since: z.string() });

/** The lock's owner, or undefined if that process has ended or the file is damaged. */
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
 * Takes a lock file for the life of this process. The lock of a process that has ended is taken over.
 *
 * @param command this command, as it is typed
 * @returns a function that releases the lock earlier
 * @throws Error that names the lock's owner, or says that the folder cannot be written to
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
        `${path.dirname(file)} cannot be written to (${code}). ${command} writes to this folder: run it in a copy of the project that you can write to.`,
        { cause },
      );
    if (code !== 'EEXIST') throw cause;
    const owner = readOwner(file);
    if (owner)
      throw new Error(
        `${owner.command} has been running in ${path.dirname(file)} since ${owner.since}, as process ${owner.pid}. Wait until it ends, or stop it with Ctrl-C. (If that process is another program, remove ${file}.)`,
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
