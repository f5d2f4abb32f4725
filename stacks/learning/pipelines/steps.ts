import type {
  ModelArguments,
  ProcessingArguments,
  RegisterModelArguments,
  TrainingArguments,
} from './requests.ts';
import type { RetryPolicy } from './retries.ts';
import type { PipelineVariable } from './variables.ts';

/** The names under which people find the steps, and under which steps refer to one another. */
export const STEPS = {
  train: 'Train',
  evaluate: 'Evaluate',
  checkAccuracy: 'CheckAccuracy',
  createModel: 'CreateModel',
  registerModel: 'RegisterModel',
  deployEndpoint: 'DeployEndpoint',
  rejectModel: 'RejectModel',
} as const;

type StepName = (typeof STEPS)[keyof typeof STEPS];

interface StepOf<Type extends string, Arguments> {
  readonly Name: StepName;
  readonly Type: Type;
  readonly Arguments: Arguments;
}

interface Job<Type extends string, Arguments> extends StepOf<Type, Arguments> {
  readonly RetryPolicies: readonly RetryPolicy[];
}

/** A JSON file of one of the step's outputs, from which later steps read values. */
interface PropertyFile {
  readonly PropertyFileName: string;
  readonly OutputName: string;
  readonly FilePath: string;
}

export type TrainingStep = Job<'Training', TrainingArguments>;
export type ModelStep = Job<'Model', ModelArguments>;
export type RegisterModelStep = Job<'RegisterModel', RegisterModelArguments>;
export type FailStep = StepOf<'Fail', { readonly ErrorMessage: string | PipelineVariable }>;
export interface ProcessingStep extends Job<'Processing', ProcessingArguments> {
  readonly PropertyFiles?: readonly PropertyFile[];
}

/** A step that may stand on a branch: SageMaker does not nest conditions. */
type BranchStep = TrainingStep | ProcessingStep | ModelStep | RegisterModelStep | FailStep;

export type ConditionStep = StepOf<
  'Condition',
  {
    readonly Conditions: readonly {
      readonly Type: 'GreaterThanOrEqualTo';
      readonly LeftValue: number | PipelineVariable;
      readonly RightValue: number | PipelineVariable;
    }[];
    readonly IfSteps: readonly BranchStep[];
    readonly ElseSteps: readonly BranchStep[];
  }
>;

export type Step = BranchStep | ConditionStep;
