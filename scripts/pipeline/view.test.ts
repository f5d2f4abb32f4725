import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepState } from './execution.ts';
import { stepLog, summary } from './view.ts';

const state = (change: Partial<StepState>): StepState => ({
  name: 'Train',
  type: 'Training',
  condition: undefined,
  status: 'Waiting',
  ...change,
});

test('a step has a line per change', () => {
  const lines: string[] = [];
  const log = stepLog((line) => lines.push(line));
  const running = state({ status: 'Executing', startedAt: 0 });
  for (const each of [running, running, { ...running, note: 'loss 1' }]) log(each);
  log({ ...running, status: 'Succeeded', endedAt: 65_000 });
  assert.deepEqual(lines, ['Train Executing', 'Train Executing: loss 1', 'Train Succeeded after 1 min 5 s']);
});

test('the steps are summed up in a table, those of a branch indented, with warnings and reasons', () => {
  const states = [
    state({ status: 'Failed', startedAt: 0, endedAt: 5_000, note: 'No photos.', warnings: ['Few photos.'] }),
    state({ name: 'Deploy', condition: 'Check', type: 'Processing', status: 'NotRun' }),
  ];
  const result = { status: 'Failed', resumable: false, states, models: [], reports: [] } as const;
  assert.deepEqual(summary({ ...result, deployed: undefined }), [
    '',
    'step      status  time',
    'Train     Failed  5 s',
    '  Deploy  NotRun',
    '',
    'Train warns: Few photos.',
    'Train failed: No photos.',
  ]);
});
