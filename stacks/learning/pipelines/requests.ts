import type {
  CreateModelInput,
  CreateModelPackageInput,
  CreateProcessingJobRequest,
  CreateTrainingJobRequest,
} from '@aws-sdk/client-sagemaker';
import type { PipelineVariable } from './variables.ts';

/** AWS adds machines more often than we update its SDK; the configuration checks their names instead. */
type InstanceTypeField = 'InstanceType' | 'SupportedRealtimeInferenceInstanceTypes';

type Widened<T> = T extends readonly unknown[] ? readonly string[] : string | PipelineVariable;

/**
 * A request of the AWS SDK in which a pipeline variable may stand wherever a string, number or boolean stands.
 * Required fields stay required: the SDK lets them be `undefined`, this does not.
 */
export type WithVariables<T> = T extends string | number | boolean
  ? T | PipelineVariable
  : T extends readonly (infer Item)[]
    ? readonly WithVariables<Item>[]
    : {
        readonly [Field in keyof T]: Field extends InstanceTypeField
          ? Widened<Exclude<T[Field], undefined>>
          : WithVariables<Exclude<T[Field], undefined>>;
      };

/** `TrainingJobName` is the first part of the job's name; SageMaker adds the execution and some random letters. */
export type TrainingArguments = WithVariables<CreateTrainingJobRequest>;
/** Without a name SageMaker calls the job `pipelines-<execution>-<step>-<random letters>`; so with models. */
export type ProcessingArguments = WithVariables<Omit<CreateProcessingJobRequest, 'ProcessingJobName'>>;
export type ModelArguments = WithVariables<Omit<CreateModelInput, 'ModelName'>>;
export type RegisterModelArguments = WithVariables<CreateModelPackageInput>;
