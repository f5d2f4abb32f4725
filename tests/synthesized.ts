import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'cdktf';
import type { z } from 'zod';
import { type SynthesizedStack, terraformJson } from '../scripts/cloud/synth.ts';
import { BloomstackStack } from '../stacks/bloomstack-stack.ts';
import { configuration } from '../stacks/config/schema.ts';

export type Choices = z.input<typeof configuration>;

/** Writes the stack below `project` as `npm run synth` writes it in the project, so relative paths are tried too. */
export const synthesizeInto = (project: string, choices: Choices): SynthesizedStack => {
  const outdir = path.join(project, 'cdktf.out');
  const app = new App({ outdir });
  const { node } = new BloomstackStack(app, configuration.parse(choices));
  app.synth();
  const directory = path.join(outdir, 'stacks', node.id);
  const text = readFileSync(path.join(directory, 'cdk.tf.json'), 'utf8');
  return { name: node.id, directory, json: terraformJson.parse(JSON.parse(text)) };
};
