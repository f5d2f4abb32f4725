import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isAlive } from './process.ts';

/** In the endpoint's folder: where it is being served. */
const FILE = 'running.json';
const ANSWER_MS = 2_000;

const recordSchema = z.object({ url: z.url(), pid: z.int() });

/** Tells `npm run pipeline` which endpoint serves this folder. */
export const recordStandIn = async (folder: string, url: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, FILE), `${JSON.stringify({ url, pid: process.pid })}\n`);
};

const readRecord = async (folder: string) => {
  const text = await readFile(path.join(folder, FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // Cut short, as by a crash: nobody is found there.
    return undefined;
  }
};

/** Takes the record back, unless another process has written its own meanwhile. */
export const forgetStandIn = async (folder: string): Promise<void> => {
  const record = await readRecord(folder);
  if (record?.pid === process.pid) await rm(path.join(folder, FILE), { force: true });
};

/** Where this folder is being served by `npm start`; undefined when nobody answers there. */
export const findStandIn = async (folder: string): Promise<string | undefined> => {
  const record = await readRecord(folder);
  if (record === undefined || !isAlive(record.pid)) return undefined;
  const response = await fetch(`${record.url}/ping`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(
    () => undefined,
  );
  return response?.ok ? record.url : undefined;
};
