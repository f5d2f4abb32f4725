import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { updateConfigurationDocument } from '../stacks/config/documentation.ts';
import { runCommand } from './shared/cli.ts';
import { ROOT } from './shared/paths.ts';

const HEAD = `Usage: node --import tsx scripts/configuration-docs.ts [--write]

Prints docs/configuration.md, with its table updated from the schema.
`;

const options = z.strictObject({
  write: z.boolean().default(false).meta({ description: 'writes docs/configuration.md instead' }),
});

await runCommand({ head: HEAD, options }, async ({ write }) => {
  const file = path.join(ROOT, 'docs/configuration.md');
  const text = updateConfigurationDocument(readFileSync(file, 'utf8'));
  if (write) writeFileSync(file, text);
  else process.stdout.write(text);
  return 0;
});
