import { z } from 'zod';
import { runCommand } from './scripts/shared/cli.ts';

/** The app that cdktf's own CLI runs. */

const HEAD = `Usage: npm run synth

Writes the stack as Terraform JSON into cdktf.out/, or into the folder in CDKTF_OUTDIR.`;

await runCommand({ head: HEAD, options: z.strictObject({}) }, async () => {
  // cdktf notes where each of its tokens is made: to map that to our sources takes a fifth of the time.
  process.setSourceMapsEnabled(false);
  const { readConfiguration, synthesizeStack } = await import('./scripts/terraform/synth.ts');
  synthesizeStack(readConfiguration(), process.env['CDKTF_OUTDIR'] ?? 'cdktf.out');
  return 0;
});
