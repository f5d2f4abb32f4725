import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { extract } from 'tar';
import { z } from 'zod';
import { newestModels } from '../../../services/endpoint/model-folder.ts';
import { placeVersion, recordDeployed } from '../../shared/served-model.ts';

/** The stand-in looks every second; a large model takes a while to load. */
const LIMIT_MS = 60_000;
const POLL_MS = 100;

const statusSchema = z.object({
  model_version_status: z.array(
    z.object({ state: z.string(), status: z.object({ error_message: z.string() }) }),
  ),
});

/**
 * @returns why the version is not served; undefined when it is
 */
const refusalOf = async (standIn: string, name: string, version: string): Promise<string | undefined> => {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    const response = await fetch(`${standIn}/v1/models/${name}/versions/${version}`).catch(() => undefined);
    if (!response) return `The endpoint at ${standIn} does not answer any more.`;
    if (response.ok) {
      const [found] = statusSchema.parse(await response.json()).model_version_status;
      if (found?.state === 'AVAILABLE') return undefined;
      if (found?.state === 'END') return found.status.error_message;
    }
    await sleep(POLL_MS);
  }
  return `The endpoint at ${standIn} does not load it within ${LIMIT_MS / 1000} s.`;
};

export interface RolloutOptions {
  readonly archive: string;
  /** Name under which the serving container looks for the model in the archive. */
  readonly name: string;
  /** What the stand-in serves. */
  readonly folder: string;
  /** Where it listens. */
  readonly standIn: string;
}

/** Unpacks the archive's newest version of the model; resolves to its folder. */
const unpack = async ({ archive, name }: RolloutOptions, into: string) => {
  await extract({ file: archive, cwd: into, strict: true });
  const found = (await newestModels({ directory: into })).find((model) => model.name === name);
  if (!found) throw new Error(`${archive} holds no ${name}/<version>/saved_model.pb.`);
  return { version: found.version, folder: path.dirname(found.file) };
};

/**
 * Serves an archive's model instead of any other version, even one with a higher number, and waits until it answers.
 * The others are out of the way only while that is uncertain; when it fails they are put back.
 *
 * @returns its version
 * @throws Error with the reason why the one before goes on
 */
export const serveArchive = async (options: RolloutOptions): Promise<string> => {
  const { folder, name, standIn } = options;
  const base = path.join(folder, name);
  const unpacked = await mkdtemp(path.join(tmpdir(), 'bloomstack-rollout-'));
  const aside = await mkdtemp(`${folder}-before-`);
  try {
    const { version, folder: from } = await unpack(options, unpacked);
    const others = (await readdir(base)).filter((other) => other !== version);
    await placeVersion(from, folder, version);
    for (const other of others) await rename(path.join(base, other), path.join(aside, other));
    const refusal = await refusalOf(standIn, name, version);
    if (refusal !== undefined) {
      for (const other of others) await rename(path.join(aside, other), path.join(base, other));
      if (others.length > 0) await rm(path.join(base, version), { recursive: true });
      throw new Error(refusal);
    }
    await recordDeployed(folder, version);
    return version;
  } finally {
    await rm(unpacked, { recursive: true });
    await rm(aside, { recursive: true });
  }
};
