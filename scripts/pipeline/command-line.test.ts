import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommandLine } from './command-line.ts';

const read = (line: string, environment: NodeJS.ProcessEnv = {}) =>
  readCommandLine(line.split(' ').filter(Boolean), environment);

test('options, parameters and files are told apart', () => {
  const { values, files, ...own } = read(
    '--data photos --epochs 3 --learning-rate=0.01 --MinAccuracy=0.5 --pretrained teacher --pipeline train --parallel 4',
  );
  assert.deepEqual(own, {
    help: false,
    resume: false,
    pipeline: 'train',
    definition: undefined,
    parallel: 4,
  });
  assert.deepEqual(Object.fromEntries(values), { Epoch: '3', LearningRate: '0.01', MinAccuracy: '0.5' });
  assert.deepEqual(Object.fromEntries(files), { TrainData: 'photos', Pretrained: 'teacher' });
});

test('FLOWERS_DIR stands in for --data, unless TrainData is given', () => {
  const environment = { FLOWERS_DIR: 'flowers' };
  assert.equal(read('', environment).files.get('TrainData'), 'flowers');
  assert.equal(read('--data photos', environment).files.get('TrainData'), 'photos');
  assert.equal(read('--TrainData=s3://bucket/x/', environment).files.size, 0);
  assert.equal(read('--resume', environment).files.size, 0);
});

test('a wrong line says what is wrong', () => {
  const cases: [line: string, expected: RegExp][] = [
    ['', /Give a folder of photos with --data DIR, or set FLOWERS_DIR/],
    ['photos', /"photos" belongs to no option/],
    ['--data', /--data needs a value/],
    ['--data a --epochs', /--epochs needs a value/],
    ['--data a --epoch 3', /There is no option --epoch\. .*--epoch=VALUE/],
    ['--data a --min-accuracy 90', /from 0 to 1, and 90 is none\. For 90 %, give 0\.9/],
    ['--data a --data b', /--data is given twice/],
    ['--data a --epochs 3 --Epoch=4', /The parameter Epoch is given twice/],
    ['--data a --TrainData=s3://bucket/x/', /The parameter TrainData is given twice/],
    ['--data a --pipeline other', /--pipeline: give train, model, deploy/],
    ['--data a --parallel none', /--parallel: /],
    ['--resume --epochs 3', /--resume goes on with what the last execution was given/],
  ];
  for (const [line, expected] of cases) assert.throws(() => read(line), expected, line);
});
