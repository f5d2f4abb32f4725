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
    ['--data a --min-accuracy 90', /--min-accuracy is "90", but must be a share from 0 to 1, such as 0\.9\./],
    ['--data a --data b', /--data is given twice/],
    ['--data a --epochs 3 --Epoch=4', /The parameter Epoch is given twice/],
    ['--data a --TrainData=s3://bucket/x/', /The parameter TrainData is given twice/],
    ['--data a --pipeline other', /--pipeline is "other", but must be one of train, model, deploy\./],
    ['--data a --parallel none', /--parallel is "none", but must be a whole number from 1 to 16\./],
    ['--resume=yes', /--resume is "yes", but must be given without a value\./],
    ['--data a --epochs abc', /--epochs is "abc", but must be a whole number of at least 1\./],
    [
      '--data a --batch-size 0 --learning-rate=-1',
      /--batch-size is "0", .*\n--learning-rate is "-1", .* above 0/,
    ],
    ['--resume --epochs 3', /--resume goes on with what the last execution was given/],
  ];
  for (const [line, expected] of cases) assert.throws(() => read(line), expected, line);
});
