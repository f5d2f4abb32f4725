import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { writeFiles } from '../model/shared/files.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { readOptions } from './shared/cli.ts';
import { commandFor, reserveFolders, TRAIN_COMMAND } from './train.ts';

const readCommandLine = (parameters: readonly string[]) => readOptions(TRAIN_COMMAND.options, parameters);

const WRONG: readonly (readonly [parameters: string, expected: RegExp])[] = [
  ['--data=photos --fine-tune 3', /--fine-tune trains blocks .* Pass that network with --backbone/],
  ['--data=photos --reference a', /--reference only makes sense with --fine-tune/],
  ['--epochs=0 --seed=x', /--data .*\n--epochs .*\n--seed /],
];
for (const [parameters, expected] of WRONG)
  test(`"${parameters}" is refused in words`, () =>
    assert.throws(() => readCommandLine(parameters.split(' ').filter(Boolean)), expected));

/** Options that are refused before a photo is read, below a folder, and the reason. */
const REFUSED: readonly (readonly [what: string, options: string, message: RegExp])[] = [
  [
    'results among the photos',
    '--data DIR --out DIR/model',
    /--out .*model is inside the folder of photos, .* each folder is a class\. Choose another folder/,
  ],
  [
    'results in a file',
    '--data DIR/photos --out DIR/file/model',
    /--out must be a writable folder; .* is not \(.*\)\. Choose another folder/,
  ],
  [
    'a folder in which another training runs',
    '--data DIR/photos --out DIR/busy',
    /npm run train has been running in .*busy since .*, as process \d+\. Wait until it ends/,
  ],
];
for (const [what, options, message] of REFUSED)
  test(`${what}: refused before a photo is read`, async (t) => {
    const folder = temporaryFolder(t);
    const running = JSON.stringify({ pid: process.pid, command: 'npm run train', since: 'today' });
    await writeFiles(folder, { file: '', 'busy/running.json': running });
    const command = readCommandLine(options.replaceAll('DIR', folder).split(' '));
    assert.ok(command);
    await assert.rejects(reserveFolders(command), message);
  });

test('a backbone that is none: refused before a photo is read', (t) => {
  const folder = temporaryFolder(t);
  const command =
    '--import tsx scripts/train.ts --data DIR/photos --out DIR/out --features DIR/features --backbone DIR/nowhere';
  const args = command.replaceAll('DIR', folder).split(' ');
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /backbone in .*nowhere cannot be used: model\.json cannot be read/);
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
