import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { readFileIfExists, writeFiles } from '../shared/files.ts';
import { errorText } from '../shared/text.ts';

/** Folder that `/opt/ml` is in; for trying a job out on any computer. */
export const ROOT_VARIABLE = 'OPT_ML_ROOT';

/** SageMaker's folders: the contract's paths, below a root that is `/` in a container. */
export class ContainerPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = path.resolve(root);
  }

  static from(environment: NodeJS.ProcessEnv): ContainerPaths {
    return new ContainerPaths(environment[ROOT_VARIABLE] || '/');
  }

  /** @param contractPath absolute, as in a container */
  at(contractPath: string, ...below: readonly string[]): string {
    return path.join(this.root, contractPath, ...below);
  }
}

/**
 * Reports to SageMaker why a training job failed: it shows the first 1024 characters. The message comes first; where in the
 * code it happened is for anyone who reads on.
 */
export const writeFailure = async (container: ContainerPaths, error: unknown): Promise<void> => {
  const [, ...frames] = (error instanceof Error ? (error.stack ?? '') : '').split('\n    at ');
  const text = [errorText(error), ...frames.map((frame) => `    at ${frame}`), ''].join('\n');
  await writeFiles(container.root, { [TRAINING_PATHS.failure]: text });
};

/** Source: "Save and Access Metadata Information About Your Processing Job", SageMaker guide. */
export const MESSAGE_FILE = '/opt/ml/output/message';
const MESSAGE_BYTES = 1024;

/** Writes what SageMaker shows as the ExitMessage of a processing job; that it cannot is no reason for a job to fail. */
export const writeExitMessage = (
  container: ContainerPaths,
  text: string,
  log: (line: string) => void,
): void => {
  const bytes = Buffer.from(text);
  let end = Math.min(bytes.length, MESSAGE_BYTES);
  // A character that is cut in two would fail the job by itself; a byte 10xxxxxx continues one.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  const file = container.at(MESSAGE_FILE);
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes.subarray(0, end));
  } catch (error) {
    log(`That message is in this log only: ${errorText(error)}`);
  }
};

/** SageMaker's description of the instances of a training job. */
const RESOURCES = '/opt/ml/input/config/resourceconfig.json';

const resourcesSchema = z.object({
  hosts: z.array(z.string()).default([]),
  current_instance_type: z.string().optional(),
});

/**
 * @returns the instance type, where SageMaker says it
 * @throws Error when there are several, which would each do the same work
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
