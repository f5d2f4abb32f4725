import path from 'node:path';
import { loadConfiguration, readContext } from '../../stacks/config/load.ts';
import type { Configuration } from '../../stacks/config/schema.ts';
import { say } from '../progress.ts';
import { type Caller, chooseAccount, PLACEHOLDER_ACCOUNT } from './account.ts';
import { OFFLINE_PLAN, prepareOffline, withoutAws } from './offline.ts';
import { accountOf, readState, readStateFile, type StateResource } from './state.ts';
import { localStateFile, type SynthesizedStack, stateFile, synthesize } from './synth.ts';
import { Terraform } from './terraform.ts';
import { findTerraform } from './terraform-binary.ts';

/** A stack, with Terraform ready to plan it. */
export interface Target {
  /** With the account that it is for. */
  readonly config: Configuration;
  readonly stack: SynthesizedStack;
  readonly terraform: Terraform;
  /** What is deployed, as the state has it. */
  readonly deployed: readonly StateResource[];
  /** Options that `terraform plan` needs here. */
  readonly planOptions: readonly string[];
}

/** The configuration that the files and variables here make. */
export const readConfiguration = (): Configuration =>
  loadConfiguration({ context: readContext(), env: process.env });

const warn = (text: string): void => say(`Warning: ${text}`);

const synthesizeFor = (account: string): Promise<SynthesizedStack> =>
  synthesize({ ...process.env, BLOOMSTACK_ACCOUNT: account }, warn);

/** Naming a bucket must not make Terraform forget what a file knows of, and create everything a second time. */
const refuseForgottenState = (stack: SynthesizedStack): void => {
  const file = localStateFile(stack.name);
  if (stateFile(stack) !== undefined || readStateFile(file).length === 0) return;
  const terraform = `terraform -chdir=${path.relative('', stack.directory)}`;
  throw new Error(
    `The configuration stores the state in S3, but ${path.basename(file)} still knows of resources. Move it there:\n` +
      `  ${terraform} init -reconfigure && ${terraform} state push ${file} && rm ${file}`,
  );
};

/**
 * The stack for an account that the caller's credentials belong to.
 *
 * @throws Error when configuration, state and credentials are not of one account
 */
export const openTarget = async (config: Configuration, caller: Caller): Promise<Target> => {
  const account = chooseAccount(config.account, caller);
  const binary = await findTerraform();
  const stack = await synthesizeFor(account);
  refuseForgottenState(stack);
  const terraform = new Terraform({ binary, directory: stack.directory, environment: process.env });
  await terraform.run('init', '-input=false', '-no-color');
  const deployed = readState(await terraform.run('state', 'pull'));
  const deployedTo = accountOf(deployed);
  if (deployedTo !== undefined && deployedTo !== account)
    throw new Error(
      `The state of ${stack.name} describes account ${deployedTo}, but these credentials belong to account ${account}. ` +
        'Use credentials of that account; for a deployment of its own, choose another environment or state bucket.',
    );
  return { config: { ...config, account }, stack, terraform, deployed, planOptions: [] };
};

/** The stack without AWS, compared with the state in a file if there is one. */
export const openOfflineTarget = async (config: Configuration): Promise<Target> => {
  const binary = await findTerraform();
  const asConfigured = await synthesizeFor(config.account);
  const file = stateFile(asConfigured);
  const deployed = file === undefined ? [] : readStateFile(file);
  // Names hold the account: with the placeholder's, everything that is deployed would seem to be replaced.
  const account = config.account === PLACEHOLDER_ACCOUNT ? accountOf(deployed) : undefined;
  const stack = account === undefined ? asConfigured : await synthesizeFor(account);
  const directory = prepareOffline(stack);
  const terraform = new Terraform({ binary, directory, environment: withoutAws(process.env) });
  await terraform.run('init', '-input=false', '-no-color', '-reconfigure');
  return {
    config: { ...config, account: account ?? config.account },
    stack,
    terraform,
    deployed,
    planOptions: OFFLINE_PLAN,
  };
};
