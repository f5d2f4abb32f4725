import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { writeFiles } from '../model/shared/files.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { helpText, readOptions } from './shared/cli.ts';
import { commandFor, TRAIN_COMMAND } from './train.ts';

const readCommandLine = (parameters: readonly string[]) =>
  readOptions(TRAIN_COMMAND.options, parameters, TRAIN_COMMAND);

test('what is left out has its default', () => {
  const command = readCommandLine(['--data', 'photos', '--version', '5']);
  assert.deepEqual(command, {
    data: 'photos',
    out: 'build/model',
    features: 'build/features',
    balanced: false,
    test: 0.1,
    validation: 0.1,
    seed: 1,
    version: '5',
  });
});

const WRONG: readonly (readonly [parameters: string, expected: RegExp])[] = [
  ['', /^Error: --data is missing; it must be a folder with one folder of photos per class\.$/],
  [
    '--data=photos --test 0.9',
    /^Error: --test is "0\.9", but must be a share from 0\.01 to 0\.5, such as 0\.1\.$/m,
  ],
  ['--data=photos --version v1', /^Error: --version is "v1", but must be digits only, such as 1\.$/m],
  ['--data=photos --fine-tune 3', /--fine-tune trains blocks .* Give that network with --backbone/],
  ['--data=photos --reference a', /--reference is for a network whose blocks are trained/],
  ['--epochs=0 --seed=x', /--data .*\n--epochs .*\n--seed /],
];
for (const [parameters, expected] of WRONG)
  test(`"${parameters}" is refused in words`, () =>
    assert.throws(() => readCommandLine(parameters.split(' ').filter(Boolean)), expected));

test('an option that is given again replaces the one before', () =>
  assert.equal(readCommandLine(['--data=photos', '--epochs', '1', '--epochs', '4'])?.epochs, 4));

test('the usage tells the defaults', () => {
  for (const line of [
    '  --epochs N          times that every photo is seen (60; 12 with --fine-tune)',
    '  --batch-size N      photos per step (32; 64 with --backbone)',
    '  --balanced          photos of rare classes count for more',
  ])
    assert.ok(helpText(TRAIN_COMMAND).split('\n').includes(line), line);
});

/** Options that are refused before a photo is read, below a folder, and the reason. */
const REFUSED: readonly (readonly [what: string, options: string, message: RegExp])[] = [
  [
    'results among the photos',
    '--data DIR --out DIR/model',
    /--out .*model is in the folder of photos, .* whose folders are classes\. Give another folder/,
  ],
  [
    'features among the photos',
    '--data DIR/photos --out DIR/out --backbone x --features DIR/photos/f',
    /--features .*f is in the folder of photos/,
  ],
  [
    'results in a file',
    '--data DIR/photos --out DIR/file/model',
    /--out must be a folder that can be written to; .* is not \(.*\)\. Give another folder/,
  ],
  [
    'a folder in which another training runs',
    '--data DIR/photos --out DIR/busy',
    /npm run train is at work in .*busy, in process \d+ since .*\. Wait for its end/,
  ],
  [
    'a backbone that is none',
    '--data DIR/photos --out DIR/out --features DIR/features --backbone DIR/nowhere',
    /backbone in .*nowhere cannot be used: model\.json cannot be read/,
  ],
  [
    'a folder that is not there',
    '--data DIR/nowhere --out DIR/out',
    /The dataset folder .*nowhere cannot be read/,
  ],
];
for (const [what, options, message] of REFUSED)
  test(`${what}: refused before a photo is read`, async (t) => {
    const folder = temporaryFolder(t);
    const running = JSON.stringify({ pid: process.pid, command: 'npm run train', since: 'today' });
    await writeFiles(folder, { file: '', 'busy/running.json': running });
    const parameters = options.replaceAll('DIR', folder).split(' ');
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'scripts/train.ts', ...parameters],
      { encoding: 'utf8' },
    );
    assert.equal(status, 1);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /Usage/, 'in which the reason would drown');
  });

test('another person gets the command without the folders of this computer', () => {
  const command = readCommandLine([
    ...['--data', '/home/me/photos', '--backbone', '/home/me/mobilenet', '--balanced', '--epochs', '7'],
    ...['--out', '/tmp/model', '--exclude', '/home/me/wrong.json'],
  ]);
  assert.ok(command);
  assert.equal(
    commandFor(command),
    'npm run train -- --data DIR --epochs 7 --learning-rate 0.003 --exclude wrong.json --backbone mobilenet --balanced --test 0.1 --validation 0.1 --seed 1',
  );
});
