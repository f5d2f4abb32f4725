import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { StepState } from './execution.ts';
import { introduction, type PipelineResult, stepLog, summary } from './view.ts';

const state = (change: Partial<StepState>): StepState => ({
  name: 'Train',
  type: 'Training',
  condition: undefined,
  status: 'Waiting',
  ...change,
});

const lastLines = (result: Partial<PipelineResult>) =>
  summary({
    status: 'Succeeded',
    resumable: false,
    states: [],
    models: [],
    reports: [],
    deployed: undefined,
    ...result,
  });

test('a step has a line per change', () => {
  const lines: string[] = [];
  const log = stepLog((line) => lines.push(line));
  const running = state({ status: 'Executing', startedAt: 0 });
  for (const each of [running, running, { ...running, note: 'loss 1' }]) log(each);
  log({ ...running, status: 'Succeeded', endedAt: 65_000 });
  assert.deepEqual(lines, ['Train Executing', 'Train Executing: loss 1', 'Train Succeeded after 1 min 5 s']);
});

test('the parameters are shown before, and where everything is written', () => {
  const parameters = { TrainData: 's3://this-machine/abc/TrainData/', Epoch: 3 };
  const lines = introduction({ id: 'abc', plan: { pipeline: 'Deploy', parameters } }, '/build');
  assert.deepEqual(lines.slice(0, 3), [
    'Pipeline Deploy, execution abc',
    '  TrainData  s3://this-machine/abc/TrainData/',
    '  Epoch      3',
  ]);
});

const HEAD = ['', 'step  status  time', ''];

test('the steps are summed up in a table, those of a branch indented, with warnings and reasons', () => {
  const states = [
    state({ status: 'Failed', startedAt: 0, endedAt: 5_000, note: 'No photos.', warnings: ['Few photos.'] }),
    state({ name: 'Deploy', condition: 'Check', type: 'Processing', status: 'NotRun' }),
  ];
  assert.deepEqual(lastLines({ status: 'Failed', states }), [
    '',
    'step      status  time',
    'Train     Failed  5 s',
    '  Deploy  NotRun',
    '',
    'Train warns: Few photos.',
    'Train failed: No photos.',
  ]);
});

test('what came of it is named, which endpoint answers, and where --resume helps', () => {
  const serving = { url: 'http://local', shared: true, stop: async () => {} };
  const file = path.join(process.cwd(), 'build/file');
  for (const [result, expected] of [
    [{}, []],
    [{ status: 'Failed' }, []],
    [
      { models: [file], reports: [file] },
      ['The model, as --initial-model takes it: build/file', 'The report on it: build/file'],
    ],
    [
      { deployed: { version: '7', serving } },
      ['The endpoint of npm start, http://local, answers with model 7 from now on.'],
    ],
    [
      { deployed: { version: '7', serving: { ...serving, shared: false } } },
      ['npm start will answer with model 7.'],
    ],
    [{ status: 'Stopped', resumable: true }, ['It was stopped. Resume it: npm run pipeline -- --resume']],
  ] as const)
    assert.deepEqual(lastLines(result), [...HEAD, ...expected]);
  const [resume = ''] = lastLines({ status: 'Failed', resumable: true }).slice(-1);
  assert.match(resume, /outside of the parameters, .* --resume$/);
});
