import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { MODEL_NAME } from '../model/contract/tensors.ts';
import { metricsSchema } from '../model/evaluation/metrics.ts';
import { writePhotos } from '../model/jobs/test-jobs.ts';
import { writeFiles } from '../model/shared/files.ts';
import { temporaryFolder } from '../tests/temporary-folder.ts';
import { readOptions } from './shared/cli.ts';
import { ROOT } from './shared/paths.ts';
import { commandFor, reserveFolders, TRAIN_COMMAND, train } from './train.ts';

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

test('a backbone that is none: refused before a photo is read', async (t) => {
  const options = '--data DIR/photos --out DIR/out --features DIR/features --backbone DIR/nowhere';
  const command = readCommandLine(options.replaceAll('DIR', temporaryFolder(t)).split(' '));
  assert.ok(command);
  const message = /backbone in .*nowhere cannot be used: model\.json cannot be read/;
  await assert.rejects(train(command, new AbortController().signal), { name: 'BackboneError', message });
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

test('a folder of photos becomes a model, its card and its archive', async (t) => {
  const [photos, out] = [temporaryFolder(t), path.join(temporaryFolder(t), 'out')];
  await writePhotos(photos, { astilbe: 5, daisy: 5 });
  writeFileSync(path.join(photos, 'daisy/broken.jpg'), 'not a photo');
  const given = ['--data', photos, '--epochs', '1', '--out', out, '--version', '5'];
  const command = ['--import', 'tsx', 'scripts/train.ts', ...given];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /Computing on (WebAssembly|native TensorFlow) \(/);
  assert.match(stdout, /left out daisy\/broken\.jpg: /);
  assert.match(stdout, /Epoch 1 of 1: loss \d/);

  const metrics = metricsSchema.parse(JSON.parse(readFileSync(path.join(out, 'metrics.json'), 'utf8')));
  assert.deepEqual(metrics.labels, ['astilbe', 'daisy']);
  assert.deepEqual(metrics.data.test, [1, 1]);
  assert.deepEqual(metrics.data.train, [3, 3]);
  assert.equal(metrics.data.skipped.length, 1);
  const model = `${MODEL_NAME}/5/saved_model.pb`;
  const files = ['MODEL_CARD.md', 'confusion-matrix.svg', 'training-curves.svg', 'model.tar.gz', model];
  for (const file of files) assert.ok(existsSync(path.join(out, file)), file);
});
