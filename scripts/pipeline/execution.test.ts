import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AbortedError } from '../../model/shared/abort.ts';
import type { StepRunner } from './execution.ts';
import { condition, execute, fail, job, nameOfJob, outputOf, reported } from './tiny-definition.ts';

/** Succeeds with a report, at once, and writes down when each step began and ended. */
const recording = (report: unknown = {}, work: (name: string) => Promise<void> = async () => {}) => {
  const events: string[] = [];
  const requests = new Map<string, unknown>();
  const run: StepRunner = async (step, request) => {
    events.push(`${step.Name} begins`);
    requests.set(step.Name, request);
    await work(step.Name);
    events.push(`${step.Name} ends`);
    return outputOf(step.Name, report);
  };
  return { events, requests, run };
};

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the order', () => {
  test('a step runs once what it refers to is done, whatever their order in the definition', async () => {
    const { events, requests, run } = recording();
    const steps = [job('C', { FROM: nameOfJob('B') }), job('B', { FROM: nameOfJob('A') }), job('A')];
    const { statuses } = await execute(steps, run);
    assert.deepEqual(statuses, { A: 'Succeeded', B: 'Succeeded', C: 'Succeeded' });
    assert.deepEqual(events, ['A begins', 'A ends', 'B begins', 'B ends', 'C begins', 'C ends']);
    assert.match(JSON.stringify(requests.get('C')), /"FROM":"job-of-B"/);
  });

  test('independent steps run side by side', async () => {
    const { events, run } = recording({}, () => turns(3));
    await execute([job('A'), job('B'), job('C', {}, { DependsOn: ['A', 'B'] })], run);
    assert.deepEqual(events, ['A begins', 'B begins', 'A ends', 'B ends', 'C begins', 'C ends']);
  });

  test('no more run side by side than are allowed', async () => {
    const { events, run } = recording({}, () => turns(3));
    await execute([job('A'), job('B')], run, { parallel: 1 });
    assert.deepEqual(events, ['A begins', 'A ends', 'B begins', 'B ends']);
  });
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

  test('that holds runs its first branch, and what depends on it afterwards', async () => {
    const { events, run } = recording({ accuracy: 0.9 });
    const { statuses } = await execute(steps, run, { parallel: 1 });
    assert.deepEqual(statuses, {
      Measure: 'Succeeded',
      Check: 'Succeeded',
      Good: 'Succeeded',
      Better: 'Succeeded',
      Bad: 'NotRun',
      After: 'Succeeded',
    });
    assert.deepEqual(
      events.filter((event) => event.endsWith('begins')),
      ['Measure begins', 'Good begins', 'Better begins', 'After begins'],
    );
  });

  test('that does not hold runs the other, and a Fail step fails with its message', async () => {
    const { run } = recording({ accuracy: 0.89 });
    const { statuses, execution } = await execute(steps, run);
    assert.deepEqual(statuses, {
      Measure: 'Succeeded',
      Check: 'Succeeded',
      Good: 'NotRun',
      Better: 'NotRun',
      Bad: 'Failed',
      After: 'NotRun',
    });
    assert.equal(execution.states.find(({ name }) => name === 'Bad')?.note, 'Only 0.89');
  });

  test('on what is not a number fails', async () => {
    const { run } = recording({ accuracy: 'high' });
    const { statuses, execution } = await execute(steps, run);
    assert.equal(statuses['Check'], 'Failed');
    assert.match(String(execution.states.find(({ name }) => name === 'Check')?.note), /is not a number/);
  });
});

describe('a failure', () => {
  test('keeps what depends on it, and all that has not started, from running; what runs is finished', async () => {
    let release = () => {};
    const failing: StepRunner = async (step) => {
      if (step.Name === 'Bad') throw new Error('It is broken.');
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return outputOf(step.Name);
    };
    const { statuses } = await execute(
      [
        job('Bad'),
        job('Slow'),
        job('Next', {}, { DependsOn: ['Slow'] }),
        job('Never', { X: nameOfJob('Bad') }),
      ],
      failing,
      { onChange: ({ status }) => void (status === 'Failed' && setImmediate(() => release())) },
    );
    assert.deepEqual(statuses, { Bad: 'Failed', Slow: 'Succeeded', Next: 'NotRun', Never: 'NotRun' });
  });

  test('is reported in its own words, and not tried again', async () => {
    const RetryPolicies = [
      { ExceptionType: ['Step.SERVICE_FAULT'], IntervalSeconds: 10, BackoffRate: 2, MaxAttempts: 5 },
    ];
    let attempts = 0;
    const { execution } = await execute([job('A', {}, { RetryPolicies })], async () => {
      attempts += 1;
      throw new TypeError('Unexpected.');
    });
    assert.equal(attempts, 1);
    assert.deepEqual(
      execution.states.map(({ status, note }) => [status, note]),
      [['Failed', 'Unexpected.']],
    );
  });
});

test('what has succeeded before is not run again, and can be read', async () => {
  const { events, requests, run } = recording();
  const earlier = new Map([['A', outputOf('A-of-before')]]);
  const { statuses } = await execute([job('A'), job('B', { FROM: nameOfJob('A') })], run, { earlier });
  assert.deepEqual(statuses, { A: 'Succeeded', B: 'Succeeded' });
  assert.deepEqual(events, ['B begins', 'B ends']);
  assert.match(JSON.stringify(requests.get('B')), /"FROM":"job-of-A-of-before"/);
});

test('when it is stopped, what runs is stopped and nothing else begins', async () => {
  const stop = new AbortController();
  const { statuses, execution } = await execute(
    [job('A'), job('B', { X: nameOfJob('A') })],
    async () => {
      stop.abort();
      throw new AbortedError('Stopped.');
    },
    { signal: stop.signal },
  );
  assert.deepEqual(statuses, { A: 'Stopped', B: 'NotRun' });
  assert.equal(execution.status, 'Stopped');
});

test('when it is stopped before it starts, nothing runs', async () => {
  const { events, run } = recording();
  const { statuses, execution } = await execute([job('A')], run, { signal: AbortSignal.abort() });
  assert.deepEqual(statuses, { A: 'NotRun' });
  assert.equal(execution.status, 'Stopped');
  assert.deepEqual(events, []);
});
