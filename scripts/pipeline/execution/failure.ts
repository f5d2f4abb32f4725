/** Failures that SageMaker's retry policies tell apart. */
export type RetriedException =
  | 'Step.SERVICE_FAULT'
  | 'Step.THROTTLING'
  | 'SageMaker.JOB_INTERNAL_ERROR'
  | 'SageMaker.CAPACITY_ERROR';

export interface StepFailureOptions extends ErrorOptions {
  /** @default none: whatever failed will fail again, and is not repeated */
  readonly exception?: RetriedException;
}

/** A step has failed; the message says why. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  readonly exception: RetriedException | undefined;

  constructor(message: string, { exception, ...options }: StepFailureOptions = {}) {
    super(message, options);
    this.exception = exception;
  }
}

/** A step was told to end before its time. */
export class StepStopped extends Error {
  override readonly name = 'StepStopped';
}
