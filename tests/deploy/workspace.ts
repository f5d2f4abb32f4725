import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ECSClient } from '@aws-sdk/client-ecs';
import { IAMClient } from '@aws-sdk/client-iam';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { synthesizeStack } from '../../scripts/terraform/synth.ts';
import { Terraform } from '../../scripts/terraform/terraform.ts';
import { configuration } from '../../stacks/config/schema.ts';
import { stateNames } from '../../stacks/names.ts';
import { ACCOUNT, type Emulator, emulatorOverride } from './emulator/emulator.ts';

const change = z.looseObject({
  address: z.string(),
  change: z.looseObject({ actions: z.array(z.string()) }),
});
const planSchema = z.looseObject({ resource_changes: z.array(change).default([]) });

/** The actions of a plan by address: `create`, `update`, `delete`, or `delete,create`. */
const changesOf = (plan: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    planSchema
      .parse(plan)
      .resource_changes.map(({ address, change: { actions } }) => [address, actions.join()] as const)
      .filter(([, actions]) => actions !== 'no-op'),
  );

/** A project folder in which the real Terraform applies our stack to the emulator. */
export const openWorkspace = (emulator: Emulator, terraformBinary: string) => {
  const root = mkdtempSync(path.join(tmpdir(), 'bloomstack-deploy-'));
  const configured = (choices: z.input<typeof configuration>) =>
    configuration.parse({ account: ACCOUNT, ...choices });
  const write = (choices: z.input<typeof configuration> = {}) =>
    synthesizeStack(configured(choices), path.join(root, 'cdktf.out'));
  const { directory } = write();
  writeFileSync(path.join(directory, 'emulator_override.tf.json'), JSON.stringify(emulatorOverride()));
  const terraform = new Terraform({
    binary: terraformBinary,
    directory,
    environment: { ...process.env, AWS_ENDPOINT_URL: emulator.url },
  });

  return {
    terraform,
    stateFile: path.join(root, stateNames(configured({})).file),
    write,
    /** @param options `-refresh=false` if an earlier plan has just refreshed the state */
    plan: async (...options: string[]) => {
      await terraform.run('plan', '-input=false', '-no-color', '-out=test.tfplan', ...options);
      const raw: unknown = JSON.parse(await terraform.run('show', '-json', 'test.tfplan'));
      return { raw, resources: changesOf(raw) };
    },
    /** Applies the last plan. */
    apply: () => terraform.run('apply', '-input=false', '-no-color', 'test.tfplan'),
    addresses: async (): Promise<string[]> =>
      (await terraform.run('state', 'list')).split('\n').filter((line) => line !== ''),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
};

export type DeployWorkspace = ReturnType<typeof openWorkspace>;

/** SDK clients of the emulated account. */
export const clientsOf = (endpoint: string, region: string) => {
  const settings = {
    endpoint,
    region,
    credentials: { accessKeyId: 'emulator', secretAccessKey: 'emulator' },
    maxAttempts: 1,
  };
  return {
    ecs: new ECSClient(settings),
    iam: new IAMClient(settings),
    sageMaker: new SageMakerClient(settings),
  };
};

export type TestAccount = ReturnType<typeof clientsOf>;
