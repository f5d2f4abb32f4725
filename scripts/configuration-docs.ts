import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { configurationDocument } from '../stacks/config/documentation.ts';
import { runCommand } from './shared/cli.ts';
import { ROOT } from './shared/paths.ts';

const HEAD = `Usage: node --import tsx scripts/configuration-docs.ts [--write]

Prints the configuration's documentation.
`;

const options = z.strictObject({
  write: z.boolean().default(false).meta({ description: 'updates docs/configuration.md instead' }),
});

await runCommand({ head: HEAD, options }, async ({ write }) => {
  if (write) writeFileSync(path.join(ROOT, 'docs/configuration.md'), configurationDocument());
  else process.stdout.write(configurationDocument());
  return 0;
});
