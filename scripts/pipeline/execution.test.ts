import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AbortedError } from '../../model/shared/abort.ts';
import type { StepRunner } from './execution.ts';
import { condition, execute, fail, job, nameOfJob, outputOf, reported } from './tiny-definition.ts';

/** Succeeds with a report after three turns, and writes down when each step began and ended. */
const recording = (report: unknown = {}) => {
  const events: string[] = [];
  const requests = new Map<string, unknown>();
  const run: StepRunner = async (step, request) => {
    events.push(`${step.Name} begins`);
    requests.set(step.Name, request);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    events.push(`${step.Name} ends`);
    return outputOf(step.Name, report);
  };
  return { events, requests, run };
};

test('a step runs once the steps that it refers to are done, independent ones in parallel', async () => {
  const { events, requests, run } = recording();
  const steps = [job('A'), job('B'), job('C', { FROM: nameOfJob('A') }, { DependsOn: ['B'] })];
  const { statuses } = await execute(steps, run);
  assert.deepEqual(statuses, { A: 'Succeeded', B: 'Succeeded', C: 'Succeeded' });
  assert.deepEqual(events, ['A begins', 'B begins', 'A ends', 'B ends', 'C begins', 'C ends']);
  assert.match(JSON.stringify(requests.get('C')), /"FROM":"job-of-A"/);
});

describe('a condition', () => {
  const steps = [
    job('Measure'),
    condition(
      'Check',
      [reported('Measure', 'accuracy'), 0.9],
      [job('Good'), job('Better')],
      [fail('Bad', { 'Std:Join': { On: '', Values: ['Only ', reported('Measure', 'accuracy')] } })],
    ),
    job('After', {}, { DependsOn: ['Check'] }),
  ];
  const good = { Good: 'Succeeded', Better: 'Succeeded', Bad: 'NotRun', After: 'Succeeded' };
  const bad = { Good: 'NotRun', Better: 'NotRun', Bad: 'Failed', After: 'NotRun' };
  const neither = { Check: 'Failed', Good: 'Waiting', Better: 'Waiting', Bad: 'Waiting', After: 'NotRun' };
  for (const [name, accuracy, expected, notes] of [
    ['that holds runs its first branch, and then what depends on it', 0.9, good, { Check: 'true' }],
    ['that does not hold runs the other, with its message', 0.89, bad, { Bad: 'Only 0.89' }],
    ['on what is not a number fails', 'high', neither, {}],
  ] as const)
    test(name, async () => {
      const { events, run } = recording({ accuracy });
      const { statuses, execution } = await execute(steps, run);
      assert.deepEqual(statuses, { Measure: 'Succeeded', Check: 'Succeeded', ...expected });
      if (expected === good) assert.equal(events.at(-2), 'After begins');
      for (const [step, note] of Object.entries(notes))
        assert.equal(execution.states.find((state) => state.name === step)?.note, note);
    });
});

test('after a failure nothing is retried or started, and running steps finish', async () => {
  let release = () => {};
  const RetryPolicies = [
    { ExceptionType: ['Step.SERVICE_FAULT'], IntervalSeconds: 10, BackoffRate: 2, MaxAttempts: 5 },
  ];
  const attempts: string[] = [];
  const failing: StepRunner = async (step) => {
    attempts.push(step.Name);
    if (step.Name === 'Bad') throw new TypeError('It is broken.');
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return outputOf(step.Name);
  };
  const steps = [
    job('Bad', {}, { RetryPolicies }),
    job('Slow'),
    job('Next', {}, { DependsOn: ['Slow'] }),
    job('Never', { X: nameOfJob('Bad') }),
  ];
  const { statuses, execution } = await execute(steps, failing, {
    onChange: ({ status }) => void (status === 'Failed' && setImmediate(() => release())),
  });
  assert.deepEqual(statuses, { Bad: 'Failed', Slow: 'Succeeded', Next: 'NotRun', Never: 'NotRun' });
  assert.deepEqual(attempts, ['Bad', 'Slow']);
  assert.equal(execution.states[0]?.note, 'It is broken.');
});

test('steps that succeeded before are not run again, and can be referred to', async () => {
  const { events, requests, run } = recording();
  const earlier = { A: outputOf('A-of-before') };
  const { statuses } = await execute([job('A'), job('B', { FROM: nameOfJob('A') })], run, { earlier });
  assert.deepEqual(statuses, { A: 'Succeeded', B: 'Succeeded' });
  assert.deepEqual(events, ['B begins', 'B ends']);
  assert.match(JSON.stringify(requests.get('B')), /"FROM":"job-of-A-of-before"/);
});

test('when it is stopped, running steps are stopped and no other starts', async () => {
  const stop = new AbortController();
  const stopping = async () => {
    stop.abort();
    throw new AbortedError('Stopped.');
  };
  const steps = [job('A'), job('B', { X: nameOfJob('A') })];
  for (const expected of [
    { A: 'Stopped', B: 'NotRun' },
    { A: 'NotRun', B: 'NotRun' },
  ]) {
    const { statuses, execution } = await execute(steps, stopping, { signal: stop.signal });
    assert.deepEqual(statuses, expected);
    assert.equal(execution.status, 'Stopped');
  }
});
