import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepState } from './execution.ts';
import { fitting, goingOn, introduction, plainView, rowOf, shortened, table } from './view.ts';

const state = (change: Partial<StepState>): StepState => ({
  name: 'Train',
  type: 'Training',
  condition: undefined,
  status: 'Waiting',
  ...change,
});

test('a log has a line per change', () => {
  const lines: string[] = [];
  const view = plainView((line) => lines.push(line));
  const running = state({ status: 'Executing', startedAt: 0 });
  for (const each of [running, running, { ...running, note: 'loss 1' }]) view.changed(each);
  view.changed({ ...running, status: 'Succeeded', endedAt: 65_000 });
  view.notice('Stopping.');
  assert.deepEqual(lines, [
    'Train Executing',
    'Train Executing: loss 1',
    'Train Succeeded after 1 min 5 s',
    'Stopping.',
  ]);
});

test('a table is as wide as it must be, and sets in what stands on a branch', () => {
  const rows = [
    state({ status: 'NotRun' }),
    state({ name: 'Deploy', condition: 'Check', type: 'Processing' }),
  ];
  assert.deepEqual(table(rows.map(rowOf)), ['Train     NotRun', '  Deploy  Waiting']);
});

test('a line is cut to the width of the terminal', () => {
  assert.equal(fitting('short', 10), 'short');
  assert.equal(fitting('a long line', 6), 'a lon…');
  assert.equal(fitting('노란 꽃', 6), '노란 …');
  assert.equal(fitting('first\nsecond', 20), 'first');
});

test('a text is cut to a width, between characters', () => {
  for (const [text, columns, expected] of [
    ['short', 10, 'short'],
    ['a long line', 6, 'a lon…'],
    ['노란 꽃', 7, '노란 꽃'],
    ['노란 꽃', 6, '노란 …'],
    ['🌼🌼🌼', 4, '🌼…'],
    ['any', 0, '…'],
    ['꽃'.normalize('NFD'), 2, '꽃'.normalize('NFD')],
  ] as const)
    assert.equal(shortened(text, columns), expected);
});

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

test('--resume is offered where it helps, and with what must be done first', () => {
  assert.match(goingOn({ status: 'Stopped', resumable: true }) ?? '', /^It was stopped\. .* --resume$/);
  assert.match(
    goingOn({ status: 'Failed', resumable: true }) ?? '',
    /outside of the parameters, .* --resume$/,
  );
  for (const status of ['Succeeded', 'Failed'] as const)
    assert.equal(goingOn({ status, resumable: false }), undefined);
});
