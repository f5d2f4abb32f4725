import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { findTerraform } from '../scripts/terraform/terraform.ts';

/**
 * What some tests need and a machine may lack. Without it such a test is skipped, loudly; where the
 * environment variable REQUIRE names it (comma separated), as in CI, its absence is a failure.
 */
type Requirement = 'backbone' | 'chromium' | 'emulator' | 'flowers' | 'programs' | 'tensorflow' | 'terraform';

const required = new Set((process.env['REQUIRE'] ?? '').split(','));

/**
 * @param found what was looked for
 * @param advice how to provide it
 * @returns options for node:test: `{ skip: false }`, or the reason to skip
 * @throws Error when it is required and not there
 */
export const need = (requirement: Requirement, found: unknown, advice: string): { skip: false | string } => {
  if (found !== undefined) return { skip: false };
  const message = `${requirement} is missing: ${advice}`;
  if (required.has(requirement)) throw new Error(message);
  process.stderr.write(`\n*** SKIPPED: ${message}\n\n`);
  return { skip: message };
};

/** The path in an environment variable, if something is there. */
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

/** The path of the first of these programs that is installed. */
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
