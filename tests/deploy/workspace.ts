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

const plannedChange = z.object({
  type: z.literal('planned_change'),
  change: z.object({ resource: z.object({ addr: z.string() }), action: z.string() }),
});

/** The actions of a plan by address (`create`, `update`, `replace`, `delete`), from the lines of `plan -json`. */
const changesOf = (lines: string): Readonly<Record<string, string>> => {
  const parsed = lines
    .trim()
    .split('\n')
    .map((line) => plannedChange.safeParse(JSON.parse(line)).data?.change);
  return Object.fromEntries(
    parsed.flatMap((change) => (change ? [[change.resource.addr, change.action]] : [])),
  );
};

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
    plan: async (...options: string[]) =>
      changesOf(await terraform.run('plan', '-json', '-input=false', '-out=test.tfplan', ...options)),
    /** The last plan, as a review reads it. */
    show: async (): Promise<unknown> => JSON.parse(await terraform.run('show', '-json', 'test.tfplan')),
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
