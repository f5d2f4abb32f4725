import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { ROOT } from './root.ts';

/** Where the test files of each suite lie. Node 20's test runner takes no patterns. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  unit: ['model', 'services', 'stacks', 'scripts', 'tests/unit', 'tests/sagemaker'],
  e2e: ['tests/e2e'],
  tensorflow: ['tests/tensorflow'],
  deploy: ['tests/deploy'],
  commands: ['tests/commands'],
};

const [, , suite = 'unit'] = process.argv;
const folders = SUITES[suite];
if (!folders) {
  process.stderr.write(`There is no test suite ${suite}; there are ${Object.keys(SUITES).join(', ')}.\n`);
  process.exit(1);
}

const files = folders.flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => path.join(folder, file)),
);
if (files.length === 0) {
  process.stderr.write(`The test suite ${suite} has no tests.\n`);
  process.exit(1);
}

// The slow suites share this machine with the system, the emulator or the TensorFlow that they start.
const concurrency = suite === 'unit' ? availableParallelism() : 1;
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, ...files],
  {
    cwd: ROOT,
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
