import { z } from 'zod';
import { runCommand } from './scripts/shared/cli.ts';
import { readConfiguration, synthesizeStack } from './scripts/terraform/synth.ts';

/** The app that cdktf's own CLI runs. */

const HEAD = `Usage: npm run synth

Writes the stack as Terraform JSON into cdktf.out/, or into the folder in CDKTF_OUTDIR.`;

await runCommand({ head: HEAD, options: z.strictObject({}) }, async () => {
  synthesizeStack(readConfiguration(), process.env['CDKTF_OUTDIR'] ?? 'cdktf.out');
  return 0;
});
