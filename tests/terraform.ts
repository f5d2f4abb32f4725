import { execFileSync } from 'node:child_process';

const BINARY = process.env['TERRAFORM_BINARY_NAME'] ?? 'terraform';

export const TERRAFORM_ADVICE = 'install Terraform 1.10 or newer, or set TERRAFORM_BINARY_NAME';

/** @returns the Terraform to test with, undefined when there is none */
export const findTerraform = (): string | undefined => {
  try {
    execFileSync(BINARY, ['version'], { stdio: 'ignore' });
    return BINARY;
  } catch {
    return undefined;
  }
};
