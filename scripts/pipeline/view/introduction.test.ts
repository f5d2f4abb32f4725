import assert from 'node:assert/strict';
import { test } from 'node:test';
import { introduction } from './introduction.ts';

test('parameters are shown as a person knows them: by their own folders, and none where nothing is given', () => {
  const parameters = {
    TrainData: 's3://this-machine/abc/TrainData/',
    TestData: 's3://photos/none/',
    Pretrained: 's3://photos/pretrained/',
    Epoch: 3,
  };
  const lines = introduction({ id: 'abc', plan: { pipeline: 'Deploy', parameters } }, '/build', (text) =>
    text.replace('s3://this-machine/abc/TrainData', '/my/photos'),
  );
  assert.deepEqual(lines.slice(0, 5), [
    'Pipeline Deploy, execution abc',
    '  TrainData   /my/photos/',
    '  TestData    none',
    '  Pretrained  s3://photos/pretrained/',
    '  Epoch       3',
  ]);
});
