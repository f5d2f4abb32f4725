import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import path from 'node:path';
import { GetCallerIdentityCommand, STSClient, STSServiceException } from '@aws-sdk/client-sts';
import { z } from 'zod';
import type { Configuration } from '../../stacks/config/schema.ts';
import { stateNames } from '../../stacks/names.ts';
import { print } from '../shared/cli.ts';
import { ROOT } from '../shared/paths.ts';
import { environmentWithoutAws } from '../shared/processes.ts';
import { claimState, knownAccount, localStates, openStates } from './identity.ts';
import { deployedPlace, readState, readStateFile, type StateResource, stateFile } from './state.ts';
import { readConfiguration, type StackFiles, SYNTH_FOLDER, synthesizeStack } from './synth.ts';
import { findTerraform, Terraform } from './terraform.ts';

/** The configuration's default account: good for a plan, but AWS refuses to apply it. */
const PLACEHOLDER_ACCOUNT = '000000000000';

export interface Caller {
  readonly account: string;
  readonly arn: string;
}

const identity = z.object({ Account: z.string(), Arn: z.string() });

/**
 * A client that fails soon if AWS does not answer.
 *
 * @param socketTimeout timeout in milliseconds
 */
export const createStsClient = (region: string, socketTimeout = 10_000): STSClient =>
  new STSClient({ region, maxAttempts: 2, requestHandler: { connectionTimeout: 3000, socketTimeout } });

const OFFLINE_HINT = 'npm run plan -- --offline needs none.';
const REFRESH = `Renew them (for SSO: aws sso login), or unset them to work without; ${OFFLINE_HINT}`;

const KEY_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];

/**
 * The identity of the credentials that the AWS SDK finds.
 *
 * @returns undefined if there are none
 * @throws Error if they do not work, or AWS does not answer
 */
export const findCaller = async (client: STSClient): Promise<Caller | undefined> => {
  try {
    const { Account, Arn } = identity.parse(await client.send(new GetCallerIdentityCommand({})));
    return { account: Account, arn: Arn };
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    if (cause instanceof STSServiceException)
      throw new Error(
        `AWS refuses the credentials found here: ${cause.message} (${cause.name}). ${REFRESH}`,
        { cause },
      );
    if (cause.name !== 'CredentialsProviderError')
      throw new Error(
        `AWS STS did not answer (${cause.message}). Check the network and proxy, or use npm run plan -- --offline.`,
        { cause },
      );
    // The message at the end of the SDK's provider chain; any other is from a configured provider that fails.
    const nothing = cause.message.includes('Could not load credentials from any providers');
    const profile = process.env['AWS_PROFILE'];
    const missing = KEY_VARIABLES.filter((name) => !process.env[name]);
    const hasHalf = missing.length === 1;
    if (nothing && profile === undefined && !hasHalf) return undefined;
    const without = hasHalf
      ? `${missing[0]} is missing beside its other half`
      : `the profile ${profile} (AWS_PROFILE) gives none`;
    const why = nothing ? without : cause.message;
    const remedy = hasHalf ? `Set both, or neither to use a profile. ${OFFLINE_HINT}` : REFRESH;
    throw new Error(`The AWS credentials cannot be used: ${why}. ${remedy}`, { cause });
  }
};

/**
 * Like `findCaller`, but requires credentials.
 *
 * @throws Error if there are none
 */
export const requireCaller = async (client: STSClient): Promise<Caller> => {
  const caller = await findCaller(client);
  if (caller) return caller;
  throw new Error(
    'No AWS credentials found. Log in (aws sso login, aws configure) or set AWS_PROFILE; npm run plan needs none.',
  );
};

/**
 * The account to deploy to.
 *
 * @throws Error if the configuration names another account than the caller's
 */
export const chooseAccount = (configured: string, caller: Caller): string => {
  if (configured === PLACEHOLDER_ACCOUNT || configured === caller.account) return caller.account;
  throw new Error(
    `The configuration is for account ${configured}, but these credentials belong to account ${caller.account} (${caller.arn}). ` +
      'Use credentials of the configured account, or change the setting "account" (BLOOMSTACK_ACCOUNT).',
  );
};

/** Dummy credentials. They are never used: the plan neither refreshes nor reads data sources. */
const OFFLINE_PROVIDER = {
  access_key: 'offline',
  secret_key: 'offline',
  skip_credentials_validation: true,
  skip_requesting_account_id: true,
  skip_metadata_api_check: 'true',
  skip_region_validation: true,
  // The provider compares them with the account that it may not ask for, as set above.
  allowed_account_ids: [],
};

/** Options of `terraform plan` that keep it from calling AWS. */
export const OFFLINE_PLAN = ['-refresh=false', '-lock=false'];

/** The environment without the variables of the AWS SDKs, so that real credentials are not used. */
export const offlineEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...environmentWithoutAws(environment),
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
});

/**
 * Copies a stack into another folder, with settings that let Terraform plan without AWS. A state file is compared
 * against but not changed.
 *
 * @returns Terraform in that folder, initialized
 */
export const offlineTerraform = async (stack: StackFiles, binary: string): Promise<Terraform> => {
  // As deep as the stack's folder, because modules and files may have relative paths.
  const directory = path.join(stack.directory, '../../offline', stack.name);
  mkdirSync(directory, { recursive: true });
  copyFileSync(path.join(stack.directory, 'cdk.tf.json'), path.join(directory, 'cdk.tf.json'));
  const aws = stack.json.provider.aws.map(({ alias }) => ({ alias, ...OFFLINE_PROVIDER }));
  const override = {
    provider: { aws },
    terraform: { backend: { local: { path: stateFile(stack) ?? path.join(directory, 'empty.tfstate') } } },
  };
  writeFileSync(path.join(directory, 'offline_override.tf.json'), `${JSON.stringify(override, null, 2)}\n`);
  const terraform = new Terraform({ binary, directory, environment: offlineEnvironment(process.env) });
  await terraform.run('init', '-input=false', '-no-color', '-reconfigure');
  return terraform;
};

export interface SynthesizedTarget {
  /** The configuration, with the actual account. */
  readonly config: Configuration;
  readonly stack: StackFiles;
  /** Terraform's executable. */
  readonly binary: string;
}

/** A stack, with Terraform ready to plan it. */
export interface Target extends Omit<SynthesizedTarget, 'binary'> {
  readonly terraform: Terraform;
  readonly deployed: readonly StateResource[];
  /** Options that `terraform plan` needs here. */
  readonly planOptions: readonly string[];
}

const synthesizeFor = async (config: Configuration): Promise<SynthesizedTarget> => {
  const binary = await findTerraform();
  const stack = synthesizeStack(config, SYNTH_FOLDER, (text) => print(`Warning: ${text}`));
  return { config, binary, stack };
};

/** Setting a bucket must not make Terraform forget the resources in a state file and create everything again. */
const refuseForgottenState = (config: Configuration, { directory }: StackFiles): void => {
  if (!config.state.bucket) return;
  const { file } = stateNames(config);
  const old = `terraform.bloomstack-${config.environment}.tfstate`;
  const forgotten = [file, old]
    .map((name) => path.join(ROOT, name))
    .find((name) => readStateFile(name).length > 0);
  if (forgotten === undefined) return;
  const terraform = `terraform -chdir=${path.relative('', directory)}`;
  throw new Error(
    `The configuration stores the state in S3, but ${path.basename(forgotten)} still knows of resources. Move it there:\n` +
      `  ${terraform} init -reconfigure && ${terraform} state push ${forgotten} && rm ${forgotten}`,
  );
};

/** What Terraform stores about a folder. */
const initialized = z.object({
  backend: z.object({ type: z.string(), config: z.object({ bucket: z.string().nullish() }) }),
});

/** Options of `terraform init`. It follows a renamed state, but a move to another bucket must be requested. */
export const initOptions = ({ directory, json }: StackFiles): string[] => {
  const options = ['init', '-input=false', '-no-color'];
  const record = path.join(directory, '.terraform/terraform.tfstate');
  const { data } = initialized.safeParse(existsSync(record) && JSON.parse(readFileSync(record, 'utf8')));
  const { backend } = json.terraform;
  const [type, bucket] = 's3' in backend ? (['s3', backend.s3.bucket] as const) : (['local', null] as const);
  const before = data?.backend;
  const isSame = before?.type === type && (before.config.bucket ?? null) === bucket;
  return isSame ? [...options, '-reconfigure'] : options;
};

/**
 * Synthesizes the stack for the account that the caller's credentials belong to.
 *
 * @throws Error if the configuration is for another account, or another deployment with the same names has a state here
 */
export const synthesizeTarget = async (
  configured: Configuration,
  caller: Caller,
): Promise<SynthesizedTarget> => {
  const config = readConfiguration(chooseAccount(configured.account, caller));
  await claimState(openStates(config), config, configured.account !== PLACEHOLDER_ACCOUNT);
  return synthesizeFor(config);
};

/**
 * Makes Terraform ready to plan a synthesized stack.
 *
 * @throws Error if the state belongs to another deployment
 */
export const openTarget = async ({ config, stack, binary }: SynthesizedTarget): Promise<Target> => {
  refuseForgottenState(config, stack);
  const terraform = new Terraform({ binary, directory: stack.directory, environment: process.env });
  await terraform.run(...initOptions(stack));
  const deployed = readState(await terraform.run('state', 'pull'));
  const { account = config.account, region = config.region } = deployedPlace(deployed);
  if (account !== config.account || region !== config.region)
    throw new Error(
      `The state of ${stack.name} describes account ${account}, ${region}, but this is for account ${config.account}, ${config.region}. ` +
        'Use credentials and the region of that deployment; for one of its own, choose another nameSuffix or state bucket.',
    );
  return { config, stack, terraform, deployed, planOptions: [] };
};

/** The stack without AWS, compared with the state file if there is one. */
export const openOfflineTarget = async (configured: Configuration): Promise<Target> => {
  const states = localStates();
  const isFile = !configured.state.bucket;
  const choseAccount = configured.account !== PLACEHOLDER_ACCOUNT;
  // Names contain the account: with the placeholder, everything that is deployed would appear to be replaced.
  const account = choseAccount || !isFile ? undefined : await knownAccount(states, configured);
  const config = account === undefined ? configured : readConfiguration(account);
  if (isFile) await claimState(states, config, choseAccount);
  const { stack, binary } = await synthesizeFor(config);
  const deployed = readStateFile(stateFile(stack) ?? '');
  const terraform = await offlineTerraform(stack, binary);
  return { config, stack, terraform, deployed, planOptions: OFFLINE_PLAN };
};
