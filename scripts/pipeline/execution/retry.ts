import { setTimeout as sleep } from 'node:timers/promises';
import type { DefinitionStep } from '../../../stacks/learning/pipeline-schema.ts';
import { StepFailure, StepStopped } from './failure.ts';

export type RetryPolicies = Extract<DefinitionStep, { Type: 'Training' }>['RetryPolicies'];

export interface RetryOptions {
  readonly policies: RetryPolicies;
  /** Share of a policy's intervals that is really waited. */
  readonly timeScale: number;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onRetry: (failure: StepFailure, retry: number, attempts: number) => void;
}

const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    throw new StepStopped('Stopped before it was tried again.', { cause: error });
  }
};

/**
 * Runs `attempt` until it succeeds, or fails in a way that no policy covers, or more often than its policy allows. Each
 * policy counts the failures that it covers.
 */
export const withRetries = async <T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { policies, timeScale, signal, onRetry } = options;
  const retries = new Map<RetryPolicies[number], number>();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StepFailure) || error.exception === undefined) throw error;
      const { exception } = error;
      const policy = policies.find(({ ExceptionType }) => ExceptionType.includes(exception));
      const before = policy ? (retries.get(policy) ?? 0) : 0;
      if (!policy || before >= policy.MaxAttempts) throw error;
      retries.set(policy, before + 1);
      onRetry(error, before + 1, policy.MaxAttempts);
      const seconds = policy.IntervalSeconds * policy.BackoffRate ** before;
      await pause(seconds * 1000 * timeScale, signal);
    }
  }
};
