import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { readFileIfExists, writeFiles } from '../shared/files.ts';
import { errorText } from '../shared/text.ts';

/** Folder that replaces `/`, for running jobs on any computer. */
export const ROOT_VARIABLE = 'OPT_ML_ROOT';

/** SageMaker's folders: the contract's paths below a root, which is `/` in a container. */
export class ContainerPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = path.resolve(root);
  }

  static from(environment: NodeJS.ProcessEnv): ContainerPaths {
    return new ContainerPaths(environment[ROOT_VARIABLE] || '/');
  }

  /** @param contractPath absolute path in a container */
  at(contractPath: string, ...below: readonly string[]): string {
    return path.join(this.root, contractPath, ...below);
  }
}

/** Tells SageMaker why a training job failed: the message, then the stack. It shows the first 1024 characters. */
export const writeFailure = async (container: ContainerPaths, error: unknown): Promise<void> => {
  const [, ...frames] = (error instanceof Error ? (error.stack ?? '') : '').split('\n    at ');
  const text = [errorText(error), ...frames.map((frame) => `    at ${frame}`), ''].join('\n');
  await writeFiles(container.root, { [TRAINING_PATHS.failure]: text });
};

/** Source: "Save and Access Metadata Information About Your Processing Job", SageMaker guide. */
export const MESSAGE_FILE = '/opt/ml/output/message';
const MESSAGE_BYTES = 1024;

/** Writes the text that SageMaker shows as a processing job's ExitMessage. Never fails, because the job itself did not. */
export const writeExitMessage = (
  container: ContainerPaths,
  text: string,
  log: (line: string) => void,
): void => {
  const bytes = Buffer.from(text);
  let end = Math.min(bytes.length, MESSAGE_BYTES);
  // A truncated character would fail the job; a byte 10xxxxxx continues one.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  const file = container.at(MESSAGE_FILE);
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes.subarray(0, end));
  } catch (error) {
    log(`The message above could not be passed to SageMaker: ${errorText(error)}`);
  }
};

/** SageMaker's description of the instances of a training job. */
const RESOURCES = '/opt/ml/input/config/resourceconfig.json';

const resourcesSchema = z.object({
  hosts: z.array(z.string()).default([]),
  current_instance_type: z.string().optional(),
});

/**
 * @returns the instance type, if SageMaker provides it
 * @throws Error if there are several instances, which would all do the same work
 */
export const readInstanceType = async (container: ContainerPaths): Promise<string | undefined> => {
  const text = await readFileIfExists(container.at(RESOURCES));
  if (text === undefined) return undefined;
  const { hosts, current_instance_type: type } = resourcesSchema.parse(JSON.parse(text.toString()));
  if (hosts.length > 1) {
    throw new Error(
      `The job has ${hosts.length} instances, but the training uses one. Set InstanceCount to 1, and choose a larger InstanceType if it is too slow.`,
    );
  }
  return type;
};
