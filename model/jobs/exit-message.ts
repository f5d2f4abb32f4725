import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { OptMl } from './opt-ml.ts';

/** Source: "Save and Access Metadata Information About Your Processing Job", SageMaker guide. */
export const MESSAGE_FILE = '/opt/ml/output/message';
const MESSAGE_BYTES = 1024;

/** The longest beginning of a text that fits; a character that is cut in two would fail the job by itself. */
const fitting = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  let end = Math.min(bytes.length, MESSAGE_BYTES);
  // A byte 10xxxxxx goes on with a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
};

/** Writes what SageMaker shows as the ExitMessage of a processing job. */
export const writeExitMessage = (optMl: OptMl, text: string): void => {
  const file = optMl.at(MESSAGE_FILE);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, fitting(text));
};
