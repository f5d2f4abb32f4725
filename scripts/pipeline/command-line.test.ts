import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from '../shared/cli.ts';
import { pipelineCommand, pipelineRequest } from './command-line.ts';

const read = (line: string, environment: NodeJS.ProcessEnv = {}) => {
  const options = readOptions(pipelineCommand(environment).options, line.split(' ').filter(Boolean));
  assert.ok(options);
  return { ...options, request: pipelineRequest(options, environment) };
};

test('options become the definition, parameters and files of a request', () => {
  const { request, resume } = read(
    '--data photos --epochs 3 --learning-rate=0.01 --MinAccuracy=0.5 --pretrained teacher --pipeline train --definition file',
  );
  assert.deepEqual(request, {
    pipeline: 'train',
    definition: 'file',
    values: { Epoch: '3', LearningRate: '0.01', MinAccuracy: '0.5' },
    files: { TrainData: 'photos', Pretrained: 'teacher' },
  });
  assert.equal(resume, false);
  assert.deepEqual(read('--data photos').request, {
    pipeline: 'deploy',
    values: {},
    files: { TrainData: 'photos' },
  });
  assert.equal(read('--resume').resume, true);
});

test('FLOWERS_DIR replaces --data, unless TrainData is given', () => {
  const environment = { FLOWERS_DIR: 'flowers' };
  const filesOf = (line: string) => read(line, environment).request.files;
  assert.deepEqual(filesOf(''), { TrainData: 'flowers' });
  assert.deepEqual(filesOf('--data photos'), { TrainData: 'photos' });
  assert.deepEqual(filesOf('--TrainData=s3://bucket/x/'), {});
  assert.equal(read('--resume', environment).resume, true);
});

const WRONG: readonly (readonly [line: string, expected: RegExp])[] = [
  ['', /Give a folder of photos with --data DIR, or set FLOWERS_DIR/],
  ['--data a --epoch 3', /There is no option --epoch\./],
  ['--data a --MinAccuracy=95', /--MinAccuracy is "95", but must be a share from 0 to 1, such as 0\.9\./],
  ['--data a --Epoch=0 --LearningRate=-1', /--Epoch is "0", .* 1\.\n--LearningRate is "-1", .* above 0/],
  ['--data a --epochs 3 --Epoch=4', /The parameter Epoch is given twice/],
  ['--data a --pipeline other', /--pipeline is "other", but must be one of train, model, deploy\./],
  ['--resume --epochs 3', /--resume uses the options of the last execution/],
];
for (const [line, expected] of WRONG)
  test(`"${line}" is refused`, () => {
    assert.throws(() => read(line), expected);
  });
