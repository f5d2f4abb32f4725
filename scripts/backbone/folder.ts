import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { sha256Of } from './checksum.ts';
import type { Destination } from './destination.ts';
import type { BackboneFile } from './mobilenet.ts';

const missing = z.object({ code: z.literal('ENOENT') });

const unlessMissing = (error: unknown): undefined => {
  if (missing.safeParse(error).success) return undefined;
  throw error;
};

/**
 * A folder of this machine. It appears at once, with all files; one that holds anything else is not touched, for that
 * may be somebody's work.
 */
export const folderDestination = (folder: string): Destination => {
  const target = path.resolve(folder);

  const differenceOf = async ({ name, sha256 }: BackboneFile): Promise<string | undefined> => {
    const content = await readFile(path.join(target, name)).catch(unlessMissing);
    if (!content) return `no ${name}`;
    const got = sha256Of(content);
    return got === sha256 ? undefined : `a ${name} whose SHA-256 is ${got}, not ${sha256}`;
  };

  return {
    name: folder,

    holds: async (files) => {
      const found = await readdir(target)
        .catch(unlessMissing)
        .catch((cause: unknown) => {
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`${folder} cannot be used: ${reason}. Give another folder with --to.`, { cause });
        });
      if (!found || found.length === 0) return false;
      for (const file of files) {
        const difference = await differenceOf(file);
        if (difference !== undefined)
          throw new Error(
            `${folder} holds something already, but ${difference}. It is left as it is: move or delete it, or give another folder with --to.`,
          );
      }
      return true;
    },

    put: async (files) => {
      const partial = `${target}.partial-${randomUUID()}`;
      await mkdir(partial, { recursive: true });
      try {
        for (const { name, content } of files) await writeFile(path.join(partial, name), content);
        await rename(partial, target);
      } catch (error) {
        await rm(partial, { recursive: true, force: true });
        throw error;
      }
    },
  };
};
