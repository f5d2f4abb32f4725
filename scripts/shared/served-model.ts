import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MODEL_NAME } from '../../model/contract/tensors.ts';
import { isNewer } from '../../model/savedmodel/file.ts';
import { newestModels } from '../../services/endpoint/model-folder.ts';
import { ROOT } from './paths.ts';
import { isAlive } from './processes.ts';

const DEFAULT_MODEL = path.join(ROOT, 'model/default');
/** Names the version that the pipeline deployed, in the endpoint's folder. */
const DEPLOYED_FILE = 'deployed.json';
/** Names the process that serves the endpoint's folder, in that folder. */
const RUNNING_FILE = 'running.json';
const ANSWER_MS = 2_000;

const deployedSchema = z.object({ version: z.string() });
const runningSchema = z.object({ url: z.url(), pid: z.int() });

const hasCode = (error: unknown, ...codes: string[]) =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/** The newest version of our model in a folder, or undefined if there is none. */
const newestVersion = async (directory: string): Promise<string | undefined> => {
  const models = await newestModels({ directory }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  return models.find(({ name }) => name === MODEL_NAME)?.version;
};

/** Records the deployed version. It stays in service until another is deployed, even if a newer one ships. */
export const recordDeployed = async (folder: string, version: string): Promise<void> =>
  writeFile(path.join(folder, DEPLOYED_FILE), `${JSON.stringify({ version })}\n`);

const deployedVersion = async (folder: string): Promise<string | undefined> => {
  try {
    return deployedSchema.parse(JSON.parse(await readFile(path.join(folder, DEPLOYED_FILE), 'utf8'))).version;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new Error(`${path.join(folder, DEPLOYED_FILE)} cannot be read. Remove it.`, { cause: error });
  }
};

/** Adds a version atomically, so that readers see the whole model or nothing. */
export const placeVersion = async (from: string, folder: string, version: string): Promise<void> => {
  const base = path.join(folder, MODEL_NAME);
  await mkdir(base, { recursive: true });
  // Next to the folder, because renaming must stay within the file system.
  const temporary = await mkdtemp(`${folder}-`);
  try {
    await cp(from, path.join(temporary, version), { recursive: true });
    await rename(path.join(temporary, version), path.join(base, version)).catch((error: unknown) => {
      // Another process has just put it there.
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true });
  }
};

export interface Served {
  readonly version: string;
  /** Whether the pipeline deployed it. */
  readonly deployed: boolean;
}

/** Copies the default model into the local endpoint's folder, unless it has a newer or a deployed one. */
export const prepareServedModel = async (folder: string, shipped = DEFAULT_MODEL): Promise<Served> => {
  const ships = await newestVersion(shipped);
  if (ships === undefined)
    throw new Error(`${shipped} contains no model. Restore it: git checkout -- model/default`);
  const found = await newestVersion(folder);
  const deployed = found !== undefined && found === (await deployedVersion(folder));
  if (found !== undefined && (deployed || !isNewer(ships, found))) return { version: found, deployed };
  await placeVersion(path.join(shipped, MODEL_NAME, ships), folder, ships);
  return { version: ships, deployed: false };
};

/** Records the endpoint that serves this folder, for `npm run pipeline`. */
export const recordRunningEndpoint = async (folder: string, url: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, RUNNING_FILE), `${JSON.stringify({ url, pid: process.pid })}\n`);
};

const readRunning = async (folder: string) => {
  const text = await readFile(path.join(folder, RUNNING_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return runningSchema.parse(JSON.parse(text));
  } catch {
    // Truncated, for example by a crash.
    return undefined;
  }
};

/** Removes the record, unless another process has replaced it. */
export const forgetRunningEndpoint = async (folder: string): Promise<void> => {
  const record = await readRunning(folder);
  if (record?.pid === process.pid) await rm(path.join(folder, RUNNING_FILE), { force: true });
};

/** The URL of the endpoint that serves this folder, or undefined if none answers. */
export const findRunningEndpoint = async (folder: string): Promise<string | undefined> => {
  const record = await readRunning(folder);
  if (record === undefined || !isAlive(record.pid)) return undefined;
  const response = await fetch(`${record.url}/ping`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(
    () => undefined,
  );
  return response?.ok ? record.url : undefined;
};
