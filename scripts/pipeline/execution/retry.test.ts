import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepFailure, StepStopped } from './failure.ts';
import { type RetryPolicies, withRetries } from './retry.ts';

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
