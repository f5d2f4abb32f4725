import { LocalBackend, S3Backend, type TerraformStack } from 'cdktf';
import type { Configuration } from './config/schema.ts';

/** Terraform runs in cdktf.out/stacks/<stack>; the state lies in the project's folder, where tidying up does not lose it. */
const PROJECT = '../../..';

/** Says where Terraform remembers what exists: a file in the project, or a bucket that a team shares. */
export const storeState = (stack: TerraformStack, { state, region }: Configuration): void => {
  const { id } = stack.node;
  if (!state.bucket) {
    // Without a path of its own the state would be written to an absolute one, different on every machine.
    new LocalBackend(stack, { path: `${PROJECT}/terraform.${id}.tfstate` });
    return;
  }
  const key = `${id}/terraform.tfstate`;
  new S3Backend(stack, { bucket: state.bucket, key, region: state.region || region, encrypt: true });
  // cdktf has no name yet for Terraform's own lock, an object beside the state.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
};
