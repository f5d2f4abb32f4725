/** Source: "Retry Policy for Pipeline Steps", SageMaker's developer guide. */
export interface RetryPolicy {
  readonly ExceptionType: readonly (
    | 'Step.SERVICE_FAULT'
    | 'Step.THROTTLING'
    | 'SageMaker.JOB_INTERNAL_ERROR'
    | 'SageMaker.CAPACITY_ERROR'
  )[];
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxAttempts: number;
}

/** A call that AWS could not answer is soon answered: 10 s to 160 s. */
const CALLS: RetryPolicy = {
  ExceptionType: ['Step.SERVICE_FAULT', 'Step.THROTTLING'],
  IntervalSeconds: 10,
  BackoffRate: 2,
  MaxAttempts: 5,
};

/** A machine that AWS has not got may take a while: 1 min to 16 min, half an hour in all. */
const MACHINES: RetryPolicy = {
  ExceptionType: ['SageMaker.JOB_INTERNAL_ERROR', 'SageMaker.CAPACITY_ERROR'],
  IntervalSeconds: 60,
  BackoffRate: 2,
  MaxAttempts: 5,
};

/** For steps that only call the API. */
export const RETRY_CALLS: readonly RetryPolicy[] = [CALLS];

/** For steps that run a job on a machine. */
export const RETRY_JOBS: readonly RetryPolicy[] = [CALLS, MACHINES];
