import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './shared/paths.ts';

/**
 * The folders or files of each suite, by the process that runs them: starting one, with TensorFlow.js or cdktf in it,
 * takes longer than most tests. Node 20's test runner takes no patterns.
 */
const SUITES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  services: [['tests/unit/start.test.ts', 'services']],
  unit: [['scripts', 'stacks'], ['model'], ['services', 'tests/unit']],
  e2e: [['tests/e2e/pipeline.test.ts', 'tests/e2e']],
  tensorflow: [['tests/tensorflow']],
  deploy: [['tests/deploy']],
  commands: [['tests/commands']],
};

const HELP = `Usage: node --import tsx scripts/test.ts [suite]

Runs a test suite: ${Object.keys(SUITES).join(', ')} (unit).
`;

/** Tests that start processes of the system, or count what theirs holds: each file in a process of its own. */
const ALONE = /^tests\/(?!unit\/(api|repository)\.)/;

/** Newer releases of Node run TypeScript as it is. */
const LOADER = 'typescript' in process.features && process.features.typescript ? [] : ['--import', 'tsx'];

/** The test files of a folder, or a file itself. */
const testFiles = (place: string): string[] =>
  place.endsWith('.test.ts')
    ? [place]
    : readdirSync(path.join(ROOT, place), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
        .map((file) => path.join(place, file))
        .sort();

const run = (suite: string, groups: readonly (readonly string[])[]): number => {
  const grouped = groups.map((places) => [...new Set(places.flatMap(testFiles))]);
  const shared = grouped.map((files) => files.filter((file) => !ALONE.test(file)));
  const alone = grouped.flat().flatMap((file) => (ALONE.test(file) ? [[file]] : []));
  const directory = mkdtempSync(path.join(tmpdir(), 'bloomstack-tests-'));
  const processes = [...shared, ...alone].filter((files) => files.length > 0);
  const entries = processes.map((files, index) => {
    // node:test sorts its files by name.
    const entry = path.join(directory, `${String(index).padStart(2, '0')}.mjs`);
    const imports = files.map((file) => `import ${JSON.stringify(pathToFileURL(path.join(ROOT, file)))};`);
    writeFileSync(entry, imports.join('\n'));
    return entry;
  });
  // Some fast tests only wait. The slow suites share this machine with what they start.
  const concurrency = suite === 'unit' ? availableParallelism() + 1 : /^(e2e|commands)$/.test(suite) ? 2 : 1;
  const { status } = spawnSync(
    process.execPath,
    [...LOADER, '--test', `--test-concurrency=${concurrency}`, ...entries],
    { cwd: ROOT, stdio: 'inherit' },
  );
  rmSync(directory, { recursive: true });
  return status ?? 1;
};

const [, , suite = 'unit'] = process.argv;
const groups = SUITES[suite];
if (process.argv.includes('--help')) process.stdout.write(HELP);
else if (!groups) {
  process.stderr.write(`There is no test suite ${suite}.\n\n${HELP}`);
  process.exitCode = 1;
} else process.exitCode = run(suite, groups);
