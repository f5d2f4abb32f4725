import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepState } from '../execution/step-state.ts';
import { fitting, rowOf, table } from './text.ts';
import { plainView } from './view.ts';

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
