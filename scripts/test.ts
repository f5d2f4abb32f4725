import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './shared/paths.ts';

/** The folders of each suite, those that take longest first. Node 20's test runner takes no patterns. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  services: ['tests/unit/start.test.ts', 'services'],
  unit: ['tests/unit', 'model', 'scripts', 'services', 'stacks'],
  e2e: ['tests/e2e'],
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

/** Of a folder, or a file itself. */
const testFiles = (place: string): string[] => (place.endsWith('.test.ts') ? [place] : filesIn(place));

const filesIn = (folder: string): string[] =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => path.join(folder, file))
    .sort();

const isAlone = (file: string): boolean => ALONE.test(file);

/** Writes entries that import several test files of a folder each; node:test runs every entry in a process. */
const bundle = (folder: string, directory: string): string[] => {
  const files = testFiles(folder).filter((file) => !isAlone(file));
  const count = Math.ceil(files.length / FILES_PER_PROCESS);
  return Array.from({ length: count }, (_, index) => {
    const entry = path.join(directory, `${folder.replace('/', '-')}-${index}.mjs`);
    const part = files.filter((_, position) => position % count === index);
    const imports = part.map((file) => `import ${JSON.stringify(pathToFileURL(path.join(ROOT, file)))};`);
    writeFileSync(entry, imports.join('\n'));
    return entry;
  });
};

const run = (suite: string, folders: readonly string[]): number => {
  const alone = folders.flatMap(testFiles).filter(isAlone);
  const directory = mkdtempSync(path.join(tmpdir(), 'bloomstack-tests-'));
  const bundles = folders.flatMap((folder) => bundle(folder, directory));
  // One more than there are cores, for some tests only wait; but the slow suites share this machine with the system, the
  // emulator or the TensorFlow that they start.
  const concurrency = suite === 'unit' ? availableParallelism() + 1 : 1;
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, ...alone, ...bundles],
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
