import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './shared/paths.ts';

/** The folders of each suite, those that take longest first. Node 20's test runner takes no patterns. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  services: ['tests/unit/start.test.ts', 'services'],
  unit: ['scripts', 'model', 'stacks', 'services', 'tests/unit'],
  e2e: ['tests/e2e/pipeline.test.ts', 'tests/e2e'],
  tensorflow: ['tests/tensorflow'],
  deploy: ['tests/deploy'],
  commands: ['tests/commands'],
};

const HELP = `Usage: node --import tsx scripts/test.ts [suite]

Runs a test suite: ${Object.keys(SUITES).join(', ')} (unit).
`;

/** Tests that start processes of the system, or count what theirs holds: each file in a process of its own. */
const ALONE = /^tests\/(?!unit\/(api|chain|deploy-permissions|examples|repository)\.)|^model\/jobs\/main\./;
/** All others share processes: starting one, with TensorFlow.js or cdktf in it, takes longer than most tests. */
const FILES_PER_PROCESS = 32;

/** Newer releases of Node run TypeScript as it is. */
const LOADER = 'typescript' in process.features && process.features.typescript ? [] : ['--import', 'tsx'];

/** Of a folder, or a file itself. */
const testFiles = (place: string): string[] => (place.endsWith('.test.ts') ? [place] : filesIn(place));

const filesIn = (folder: string): string[] =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => path.join(folder, file))
    .sort();

/** The files of a folder that share processes, by process. */
const groups = (folder: string): string[][] => {
  const files = testFiles(folder).filter((file) => !ALONE.test(file));
  const count = Math.ceil(files.length / FILES_PER_PROCESS);
  return Array.from({ length: count }, (_, index) => files.filter((_, at) => at % count === index));
};

const run = (suite: string, folders: readonly string[]): number => {
  const alone = new Set(folders.flatMap(testFiles).filter((file) => ALONE.test(file)));
  const directory = mkdtempSync(path.join(tmpdir(), 'bloomstack-tests-'));
  const entries = [...folders.flatMap(groups), ...[...alone].map((file) => [file])].map((files, index) => {
    // node:test sorts its files by name.
    const entry = path.join(directory, `${String(index).padStart(2, '0')}.mjs`);
    const imports = files.map((file) => `import ${JSON.stringify(pathToFileURL(path.join(ROOT, file)))};`);
    writeFileSync(entry, imports.join('\n'));
    return entry;
  });
  // Some fast tests only wait. The slow suites share this machine with what they start.
  const concurrency = suite === 'unit' ? availableParallelism() + 1 : suite === 'e2e' ? 2 : 1;
  const { status } = spawnSync(
    process.execPath,
    [...LOADER, '--test', `--test-concurrency=${concurrency}`, ...entries],
    { cwd: ROOT, stdio: 'inherit' },
  );
  rmSync(directory, { recursive: true });
  return status ?? 1;
};

const [, , suite = 'unit'] = process.argv;
const folders = SUITES[suite];
if (process.argv.includes('--help')) process.stdout.write(HELP);
else if (!folders) {
  process.stderr.write(`There is no test suite ${suite}.\n\n${HELP}`);
  process.exitCode = 1;
} else process.exitCode = run(suite, folders);
