import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RetryPolicies, StepFailure, type StepRunner, StepStopped, withRetries } from './execution.ts';
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

  test('on what is no number fails', async () => {
    const { run } = recording({ accuracy: 'high' });
    const { statuses, execution } = await execute(steps, run);
    assert.equal(statuses['Check'], 'Failed');
    assert.match(String(execution.states.find(({ name }) => name === 'Check')?.note), /is no number/);
  });
});

describe('a failure', () => {
  test('keeps what depends on it, and all that has not begun, from running; what runs is finished', async () => {
    let release = () => {};
    const failing: StepRunner = async (step) => {
      if (step.Name === 'Bad') throw new StepFailure('It is broken.');
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

  test('of any other kind is told in its own words', async () => {
    const { execution } = await execute([job('A')], async () => {
      throw new TypeError('Unexpected.');
    });
    assert.deepEqual(
      execution.states.map(({ status, note }) => [status, note]),
      [['Failed', 'Unexpected.']],
    );
  });

  test('that is worth it is tried again', async () => {
    let attempts = 0;
    const flaky: StepRunner = async (step) => {
      attempts += 1;
      if (attempts < 3) throw new StepFailure('Busy.', { exception: 'Step.THROTTLING' });
      return outputOf(step.Name);
    };
    const RetryPolicies = [
      { ExceptionType: ['Step.THROTTLING'], IntervalSeconds: 10, BackoffRate: 2, MaxAttempts: 5 },
    ];
    const { statuses, changes } = await execute([job('A', {}, { RetryPolicies })], flaky);
    assert.deepEqual(statuses, { A: 'Succeeded' });
    assert.equal(attempts, 3);
    assert.ok(changes.some(({ note }) => note === 'Busy. Trying again (1 of 5).'));
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
      throw new StepStopped('Stopped.');
    },
    { signal: stop.signal },
  );
  assert.deepEqual(statuses, { A: 'Stopped', B: 'NotRun' });
  assert.equal(execution.status, 'Stopped');
});

test('when it is stopped before it begins, nothing runs', async () => {
  const { events, run } = recording();
  const { statuses, execution } = await execute([job('A')], run, { signal: AbortSignal.abort() });
  assert.deepEqual(statuses, { A: 'NotRun' });
  assert.equal(execution.status, 'Stopped');
  assert.deepEqual(events, []);
});

const policies: RetryPolicies = [
  {
    ExceptionType: ['Step.SERVICE_FAULT', 'Step.THROTTLING'],
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxAttempts: 2,
  },
  { ExceptionType: ['SageMaker.CAPACITY_ERROR'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 1 },
];

/** Tries something that fails in these ways, one after the other, and then succeeds. */
const tryFailing = async (failures: Error[], signal = new AbortController().signal, timeScale = 0) => {
  let attempts = 0;
  const told: string[] = [];
  const attempt = async () => {
    attempts += 1;
    const failure = failures.shift();
    if (failure) throw failure;
    return 'done';
  };
  const onRetry = (failure: StepFailure, retry: number, of: number) =>
    told.push(`${failure.message} ${retry}/${of}`);
  const result = withRetries(attempt, { policies, timeScale, signal, onRetry });
  return { result: await result.catch((error: Error) => error.message), attempts, told };
};

const throttled = () => new StepFailure('throttled', { exception: 'Step.THROTTLING' });
const noMachine = () => new StepFailure('no machine', { exception: 'SageMaker.CAPACITY_ERROR' });

test('each policy counts its own failures', async () => {
  const { result, attempts, told } = await tryFailing([throttled(), noMachine(), throttled()]);
  assert.equal(result, 'done');
  assert.equal(attempts, 4);
  assert.deepEqual(told, ['throttled 1/2', 'no machine 1/1', 'throttled 2/2']);
});

test('one failure more than a policy allows is the last', async () => {
  const { result, attempts } = await tryFailing([noMachine(), noMachine(), noMachine()]);
  assert.equal(result, 'no machine');
  assert.equal(attempts, 2);
});

test('what no policy covers is not tried again', async () => {
  const others = [
    new StepFailure('bad data'),
    new StepFailure('broken', { exception: 'SageMaker.JOB_INTERNAL_ERROR' }),
    new StepStopped('stopped'),
  ];
  for (const other of others) {
    const { result, attempts } = await tryFailing([other]);
    assert.equal(result, other.message);
    assert.equal(attempts, 1);
  }
});

test('the wait ends when the execution is stopped', async () => {
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  const { result, attempts } = await tryFailing([throttled()], stop.signal, 1000);
  assert.equal(result, 'Stopped before it was tried again.');
  assert.equal(attempts, 1);
});
