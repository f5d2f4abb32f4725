import { App } from 'cdktf';
import { BloomstackStack } from './stacks/bloomstack-stack.ts';
import { ConfigurationError, loadConfiguration, readContext } from './stacks/config/load.ts';

try {
  const app = new App();
  new BloomstackStack(app, loadConfiguration({ context: readContext(), env: process.env }));
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
