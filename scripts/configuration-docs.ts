import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { configurationDocument } from '../stacks/config/documentation.ts';
import { ROOT } from './root.ts';

/** Prints the configuration's documentation; with --write it updates docs/configuration.md. */

const [, , option] = process.argv;
if (option === '--write') writeFileSync(path.join(ROOT, 'docs/configuration.md'), configurationDocument());
else if (option === undefined) process.stdout.write(configurationDocument());
else {
  process.stderr.write(`There is no option ${option}; --write updates docs/configuration.md.\n`);
  process.exitCode = 1;
}
