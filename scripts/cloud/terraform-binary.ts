import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

/** The first Terraform that locks a state in S3 with a file beside it. */
const OLDEST = [1, 10] as const;

const versionOutput = z.object({ terraform_version: z.string().regex(/^\d+\.\d+\./) });

const WHERE = `Install Terraform ${OLDEST.join('.')} or newer: https://developer.hashicorp.com/terraform/install (or name another binary in TERRAFORM_BINARY_NAME).`;

const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
};

/**
 * The Terraform to run: `TERRAFORM_BINARY_NAME`, as cdktf-cli calls that variable, or `terraform` on the PATH.
 *
 * @throws Error when it is not there or older than 1.10
 */
export const findTerraform = async (environment: NodeJS.ProcessEnv = process.env): Promise<string> => {
  const binary = environment['TERRAFORM_BINARY_NAME'] || 'terraform';
  const { stdout } = await promisify(execFile)(binary, ['version', '-json'], {
    env: { ...environment, CHECKPOINT_DISABLE: '1' },
  }).catch((cause: unknown) => {
    throw new Error(`Terraform does not run (${binary} version). ${WHERE}`, { cause });
  });
  const { terraform_version: version } = versionOutput.parse(JSON.parse(stdout));
  if (!isNewEnough(version)) throw new Error(`${binary} is Terraform ${version}, which is too old. ${WHERE}`);
  return binary;
};
