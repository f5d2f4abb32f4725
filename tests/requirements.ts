import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { findTerraform } from '../scripts/terraform/terraform.ts';

/**
 * Requirements of some tests that a machine may lack. Such a test is then skipped with a message, or fails if the
 * environment variable REQUIRE (comma separated) names the requirement, as in CI.
 */
type Requirement = 'backbone' | 'chromium' | 'emulator' | 'flowers' | 'programs' | 'tensorflow' | 'terraform';

const required = new Set((process.env['REQUIRE'] ?? '').split(','));

/**
 * @param found what was looked for
 * @param advice how to provide it
 * @returns options for node:test: `{ skip: false }`, or the reason to skip
 * @throws Error if it is required and missing
 */
export const need = (requirement: Requirement, found: unknown, advice: string): { skip: false | string } => {
  if (found !== undefined) return { skip: false };
  const message = `${requirement} is missing: ${advice}`;
  if (required.has(requirement)) throw new Error(message);
  process.stderr.write(`\n*** SKIPPED: ${message}\n\n`);
  return { skip: message };
};

/** The path in an environment variable, if it exists. */
export const pathFrom = (variable: string): string | undefined => {
  const file = process.env[variable];
  if (file === undefined || file === '') return undefined;
  accessSync(file);
  return file;
};

export const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The path of the first installed program among these. */
export const findOnPath = (...names: readonly string[]): string | undefined => {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin'].filter(path.isAbsolute);
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isExecutable);
};

/** Terraform, and options for node:test that skip a test without it. */
export const needTerraform = async () => {
  const binary = await findTerraform().catch(() => undefined);
  const advice = 'install Terraform 1.10 or newer, or set TERRAFORM_BINARY_NAME';
  return { binary: binary ?? '', options: need('terraform', binary, advice) };
};
