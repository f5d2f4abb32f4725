import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import path from 'node:path';
import { type SynthesizedStack, stateFile } from './synth.ts';

/** No request is made with them: the plan neither refreshes nor reads data sources. */
const WITHOUT_AWS = {
  access_key: 'offline',
  secret_key: 'offline',
  skip_credentials_validation: true,
  skip_requesting_account_id: true,
  skip_metadata_api_check: 'true',
  skip_region_validation: true,
  // The provider compares them with the account that it has just been told not to ask for.
  allowed_account_ids: [],
};

/** Options of `terraform plan` that keep it from asking AWS. */
export const OFFLINE_PLAN = ['-refresh=false', '-lock=false'];

/**
 * Copies a stack into a folder of its own, with settings beside it by which Terraform plans without AWS. A state in a
 * file is compared against, and left alone.
 *
 * @returns the folder
 */
export const prepareOffline = (stack: SynthesizedStack): string => {
  // As deep as the stack's own folder, because modules and files may be named relative to it.
  const directory = path.join(stack.directory, '../../offline', stack.name);
  mkdirSync(directory, { recursive: true });
  copyFileSync(path.join(stack.directory, 'cdk.tf.json'), path.join(directory, 'cdk.tf.json'));
  const aws = stack.json.provider.aws.map(({ alias }) => ({
    ...(alias !== undefined && { alias }),
    ...WITHOUT_AWS,
  }));
  const override = {
    provider: { aws },
    terraform: { backend: { local: { path: stateFile(stack) ?? path.join(directory, 'empty.tfstate') } } },
  };
  writeFileSync(path.join(directory, 'offline_override.tf.json'), `${JSON.stringify(override, null, 2)}\n`);
  return directory;
};

/** The environment without anything that the AWS SDKs read, so that real credentials play no part. */
export const withoutAws = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('AWS_'))),
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
});
