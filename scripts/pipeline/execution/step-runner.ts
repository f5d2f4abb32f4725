import type { DefinitionStep } from '../../../stacks/learning/pipeline-schema.ts';
import type { StepOutput } from '../definition/variables.ts';

/** A step that something outside of the definition carries out. */
export type WorkingStep = Exclude<DefinitionStep, { Type: 'Condition' | 'Fail' }>;

export interface StepContext {
  readonly executionId: string;
  /** Aborted, it ends the step in order. */
  readonly signal: AbortSignal;
  /** Tells what the step is at. */
  readonly report: (note: string) => void;
  /** Tells what a person should look at, even if the step succeeds. */
  readonly warn: (text: string) => void;
}

/**
 * Carries a step out.
 *
 * @param step as the definition has it
 * @param request the step's `Arguments`, with the values of all variables
 * @throws StepFailure, StepStopped
 */
export type StepRunner = (step: WorkingStep, request: unknown, context: StepContext) => Promise<StepOutput>;
