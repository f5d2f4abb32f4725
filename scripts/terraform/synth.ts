import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'cdktf';
import { z } from 'zod';
import { BloomstackStack } from '../../stacks/bloomstack-stack.ts';
import { loadConfiguration, readContext } from '../../stacks/config/load.ts';
import type { Configuration } from '../../stacks/config/schema.ts';
import { ROOT } from '../shared/paths.ts';

/** The output folder, the same as that of cdktf's CLI. */
export const SYNTH_FOLDER = path.join(ROOT, 'cdktf.out');

/** The lock of the commands that write to that folder. */
export const LOCK_FILE = path.join(SYNTH_FOLDER, 'lock.json');

/**
 * The configuration from cdktf.json and the environment.
 *
 * @param account replaces the configured one
 */
export const readConfiguration = (account?: string): Configuration =>
  loadConfiguration({
    context: readContext(),
    env: { ...process.env, ...(account !== undefined && { BLOOMSTACK_ACCOUNT: account }) },
  });

const block = z.object({ '//': z.object({ metadata: z.object({ path: z.string() }) }) }).catchall(z.json());

const provider = z.looseObject({
  alias: z.string().optional(),
  region: z.string().optional(),
  allowed_account_ids: z.array(z.string()).optional(),
});

/** The fields of a synthesized stack that are used here; others are preserved. */
export const terraformJson = z.looseObject({
  provider: z.looseObject({ aws: z.array(provider) }),
  resource: z.record(z.string(), z.record(z.string(), block)),
  terraform: z.looseObject({
    backend: z.union([
      z.object({ local: z.object({ path: z.string() }) }),
      z.object({ s3: z.looseObject({ bucket: z.string() }) }),
    ]),
  }),
});

export interface StackFiles {
  readonly name: string;
  /** Folder in which Terraform runs. */
  readonly directory: string;
  /** `cdk.tf.json` */
  readonly json: z.output<typeof terraformJson>;
}

/**
 * Writes the stack as Terraform JSON.
 *
 * @param outdir absolute, or relative to the working directory
 * @param onWarning called with the constructs' warnings
 */
export const synthesizeStack = (
  config: Configuration,
  outdir: string,
  onWarning: (text: string) => void = () => {},
): StackFiles => {
  const app = new App({ outdir });
  const { node } = new BloomstackStack(app, config);
  app.synth();
  for (const { level, constructPath, message } of app.manifest.stacks[node.id]?.annotations ?? [])
    if (level === '@cdktf/warn') onWarning(`${constructPath}: ${message}`);
  const directory = path.join(outdir, 'stacks', node.id);
  const json: unknown = JSON.parse(readFileSync(path.join(directory, 'cdk.tf.json'), 'utf8'));
  return { name: node.id, directory, json: terraformJson.parse(json) };
};
