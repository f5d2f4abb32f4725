import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './shared/paths.ts';

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

/** Tests that start processes of the system: each file in a process of its own. */
const ALONE = ['tests/', 'model/jobs/main.test.ts'];
/** All others share processes: starting one for each file, with TensorFlow.js in it, takes longer than most tests. */
const FILES_PER_PROCESS = 8;

/** Writes entries that import several test files each; node:test runs every entry in a process of its own. */
const bundled = (files: readonly string[], directory: string): string[] => {
  const alone = files.filter((file) => ALONE.some((start) => file.startsWith(start)));
  const together = files.filter((file) => !alone.includes(file));
  const entries = Array.from({ length: Math.ceil(together.length / FILES_PER_PROCESS) }, (_, index) => {
    const part = together.slice(index * FILES_PER_PROCESS, (index + 1) * FILES_PER_PROCESS);
    const entry = path.join(directory, `together-${index}.mjs`);
    writeFileSync(
      entry,
      part.map((file) => `import ${JSON.stringify(pathToFileURL(path.join(ROOT, file)))};`).join('\n'),
    );
    return entry;
  });
  // The longest first, so that no core waits for the last of them.
  return [...alone, ...entries];
};

// The slow suites share this machine with the system, the emulator or the TensorFlow that they start.
const concurrency = suite === 'unit' ? availableParallelism() : 1;
const directory = mkdtempSync(path.join(tmpdir(), 'bloomstack-tests-'));
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, ...bundled(files, directory)],
  { cwd: ROOT, stdio: 'inherit' },
);
rmSync(directory, { recursive: true });
process.exit(status ?? 1);
