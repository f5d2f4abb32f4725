import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { writeFiles } from '../model/shared/files.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { helpText, readOptions } from './shared/cli.ts';
import { commandFor, TRAIN_COMMAND } from './train.ts';

const USAGE = helpText(TRAIN_COMMAND);
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

const WRONG: readonly (readonly [parameters: readonly string[], expected: RegExp])[] = [
  [['--epochs', 'many'], /^Error: --epochs is "many", but must be a whole number of at least 1\.$/m],
  [['--epochs='], /^Error: --epochs is "", but must be a whole number/m],
  [['--test', '0.9'], /^Error: --test is "0\.9", but must be a share from 0\.01 to 0\.5, such as 0\.1\.$/m],
  [['--learning-rate=-1'], /^Error: --learning-rate is "-1", but must be a number above 0/m],
  [['--version', 'v1'], /^Error: --version is "v1", but must be digits only, such as 1\.$/m],
  [['--colour', 'red'], /--colour/],
  [['photos'], /photos/],
  [['--fine-tune', '3'], /--fine-tune trains blocks .* Give that network with --backbone/],
  [['--reference', 'a'], /--reference is for a network whose blocks are trained/],
];
for (const [parameters, expected] of WRONG)
  test(`"${parameters.join(' ')}" is refused in words`, () =>
    assert.throws(() => readCommandLine(['--data=photos', ...parameters]), expected));

test('an option that is given again replaces the one before', () =>
  assert.equal(readCommandLine(['--data=photos', '--epochs', '1', '--epochs', '4'])?.epochs, 4));

test('photos are needed', () =>
  assert.throws(
    () => readCommandLine([]),
    /^Error: --data is missing; it must be a folder with one folder of photos per class\.$/,
  ));

test('all that is wrong is reported at once', () =>
  assert.throws(() => readCommandLine(['--epochs=0', '--seed=x']), /--data .*\n--epochs .*\n--seed /));

test('the usage lists every option, each with its default', () => {
  const lines = USAGE.split('\n').filter((line) => line.startsWith('  --'));
  assert.deepEqual(
    lines.map((line) => /--([a-z-]+)/.exec(line)?.[1]).join(' '),
    'data exclude epochs out backbone range features reference fine-tune batch-size learning-rate patience balanced test validation unknown seed version help',
  );
  for (const line of [
    '  --epochs N            times that every photo is seen (60; 12 with --fine-tune)',
    '  --batch-size N        photos per step (32; 64 with --backbone)',
    '  --patience N          epochs without a lower validation loss after which it ends early (none)',
    '  --balanced            photos of rare classes count for more',
    '  --seed N              of the split, the weights and the augmentation (1)',
  ])
    assert.ok(lines.includes(line), line);
});

test('help is all there is to do when it is asked for', () =>
  assert.equal(readCommandLine(['--help']), undefined));

/** Options that are refused before a photo is read, and the reason. */
const REFUSED: Readonly<Record<string, { options: (folder: string) => readonly string[]; message: RegExp }>> =
  {
    'results among the photos': {
      options: (folder) => ['--data', folder, '--out', path.join(folder, 'model')],
      message: /--out .*model is in the folder of photos, .* whose folders are classes\. Give another folder/,
    },
    'features among the photos': {
      options: (folder) => [
        ...[
          '--data',
          folder,
          '--out',
          `${folder}-out`,
          '--backbone',
          'x',
          '--features',
          path.join(folder, 'f'),
        ],
      ],
      message: /--features .*f is in the folder of photos/,
    },
    'results in a file': {
      options: (folder) => [
        '--data',
        path.join(folder, 'photos'),
        '--out',
        path.join(folder, 'file', 'model'),
      ],
      message: /--out must be a folder that can be written to; .* is not \(.*\)\. Give another folder/,
    },
    'a folder in which another training runs': {
      options: (folder) => ['--data', path.join(folder, 'photos'), '--out', path.join(folder, 'busy')],
      message: /npm run train is at work in .*busy, in process \d+ since .*\. Wait for its end/,
    },
    'a backbone that is none': {
      options: (folder) => [
        ...['--data', path.join(folder, 'photos'), '--out', path.join(folder, 'out')],
        ...['--features', path.join(folder, 'features'), '--backbone', path.join(folder, 'nowhere')],
      ],
      message: /backbone in .*nowhere cannot be used: model\.json cannot be read/,
    },
  };

for (const [name, { options, message }] of Object.entries(REFUSED)) {
  test(`${name}: refused before a photo is read`, async (t) => {
    const folder = temporaryFolder(t);
    await writeFiles(folder, {
      file: '',
      'busy/running.json': JSON.stringify({ pid: process.pid, command: 'npm run train', since: 'today' }),
    });
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'scripts/train.ts', ...options(folder)],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(status, 1);
    assert.match(stderr, message);
  });
}

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
