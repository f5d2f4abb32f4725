import { readConfiguration, synthesizeStack } from './scripts/terraform/synth.ts';
import { ConfigurationError } from './stacks/config/configuration-error.ts';

/** The app that cdktf's own CLI runs. */

try {
  synthesizeStack(readConfiguration(), process.env['CDKTF_OUTDIR'] ?? 'cdktf.out');
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
