import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Testing } from 'cdktf';
import { z } from 'zod';
import { Terraform } from '../../scripts/cloud/terraform.ts';
import { BloomstackStack, stackIdOf } from '../../stacks/bloomstack-stack.ts';
import { configuration } from '../../stacks/config/schema.ts';
import { ACCOUNT, type Emulator, emulatorOverride } from './emulator/emulator.ts';

export type Overrides = z.input<typeof configuration>;

const change = z.looseObject({
  address: z.string(),
  change: z.looseObject({ actions: z.array(z.string()) }),
});
const planSchema = z.looseObject({
  resource_changes: z.array(change).default([]),
  output_changes: z.record(z.string(), z.looseObject({ actions: z.array(z.string()) })).default({}),
});

/** What applying a plan would do: `create`, `update`, `delete`, or `delete,create`, by address. */
export interface PlannedChanges {
  readonly resources: Readonly<Record<string, string>>;
  readonly raw: unknown;
}

const changesOf = (plan: unknown): PlannedChanges => {
  const { resource_changes } = planSchema.parse(plan);
  const changed = resource_changes.filter(({ change: { actions } }) => actions.join() !== 'no-op');
  return {
    resources: Object.fromEntries(changed.map((each) => [each.address, each.change.actions.join()])),
    raw: plan,
  };
};

/**
 * A folder in which the real Terraform works on our stack against the emulator. The folders lie as they do after
 * `npm run synth`, so the relative path of the state is tried too.
 */
export const openWorkspace = (emulator: Emulator, terraformBinary: string) => {
  const root = mkdtempSync(path.join(tmpdir(), 'bloomstack-deploy-'));
  const stackId = stackIdOf({ environment: 'dev' });
  const directory = path.join(root, 'cdktf.out', 'stacks', stackId);
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'emulator_override.tf.json'), JSON.stringify(emulatorOverride()));
  const terraform = new Terraform({
    binary: terraformBinary,
    directory,
    environment: { ...process.env, AWS_ENDPOINT_URL: emulator.url },
  });

  return {
    terraform,
    stateFile: path.join(root, `terraform.${stackId}.tfstate`),
    /** @returns the stack as JSON */
    write: (overrides: Overrides = {}): unknown => {
      const config = configuration.parse({ account: ACCOUNT, ...overrides });
      const text = Testing.synth(new BloomstackStack(Testing.app(), config));
      writeFileSync(path.join(directory, 'cdk.tf.json'), text);
      return JSON.parse(text);
    },
    plan: async (): Promise<PlannedChanges> => {
      await terraform.run('plan', '-input=false', '-no-color', '-out=test.tfplan');
      return changesOf(JSON.parse(await terraform.run('show', '-json', 'test.tfplan')));
    },
    addresses: async (): Promise<string[]> =>
      (await terraform.run('state', 'list')).split('\n').filter((line) => line !== ''),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
};

export type Workspace = ReturnType<typeof openWorkspace>;
