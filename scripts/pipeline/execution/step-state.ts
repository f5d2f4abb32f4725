import type { DefinitionStep } from '../../../stacks/learning/pipeline-schema.ts';

export type StepStatus = 'Waiting' | 'Executing' | 'Succeeded' | 'Failed' | 'Stopped' | 'NotRun';

/** What a step does at the moment. */
export interface StepState {
  readonly name: string;
  readonly type: DefinitionStep['Type'];
  /** The condition on one of whose branches it stands. */
  readonly condition: string | undefined;
  readonly status: StepStatus;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** The last that it told, such as its metrics; or why it failed or was not run. */
  readonly note?: string;
  /** What a person should look at, each once. */
  readonly warnings?: readonly string[];
}

/** Is told of each change of a step. */
export type StepListener = (state: StepState) => void;
