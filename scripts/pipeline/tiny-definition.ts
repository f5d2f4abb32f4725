import { type Definition, definitionSchema } from '../../stacks/learning/pipeline-schema.ts';
import type { StepOutput } from './definition.ts';
import { Execution, type ExecutionOptions, type StepRunner } from './execution.ts';

/** Small definitions for tests. */

const joined = (...Values: unknown[]) => ({ 'Std:Join': { On: '/', Values } });
const ONE_INSTANCE = { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 30 };

/** A processing job; its references to other steps are in `Environment`. */
export const job = (Name: string, Environment: object = {}, changes: object = {}) => ({
  Name,
  Type: 'Processing',
  RetryPolicies: [],
  Arguments: {
    AppSpecification: { ImageUri: 'image', ContainerArguments: ['work'] },
    ProcessingResources: { ClusterConfig: ONE_INSTANCE },
    ProcessingOutputConfig: {
      Outputs: [
        {
          OutputName: 'report',
          S3Output: {
            S3Uri: joined('s3://bucket/reports', Name),
            LocalPath: '/opt/ml/processing/output/report',
            S3UploadMode: 'EndOfJob',
          },
        },
      ],
    },
    NetworkConfig: { EnableNetworkIsolation: true },
    Environment,
    StoppingCondition: { MaxRuntimeInSeconds: 60 },
    RoleArn: 'role',
  },
  PropertyFiles: [{ PropertyFileName: 'Report', OutputName: 'report', FilePath: 'report.json' }],
  ...changes,
});

/** A training job with one channel and one metric. */
export const training = (Name: string) => ({
  Name,
  Type: 'Training',
  RetryPolicies: [],
  Arguments: {
    TrainingJobName: 'trainer',
    AlgorithmSpecification: {
      TrainingImage: 'image',
      TrainingInputMode: 'File',
      MetricDefinitions: [{ Name: 'training:loss', Regex: 'loss=([0-9.]+);' }],
    },
    HyperParameters: { epochs: joined({ Get: 'Parameters.Epoch' }) },
    InputDataConfig: [
      {
        ChannelName: 'train',
        InputMode: 'File',
        DataSource: {
          S3DataSource: {
            S3DataType: 'S3Prefix',
            S3DataDistributionType: 'FullyReplicated',
            S3Uri: 's3://bucket/photos/',
          },
        },
      },
    ],
    OutputDataConfig: { S3OutputPath: 's3://bucket/models' },
    CheckpointConfig: {
      LocalPath: '/opt/ml/checkpoints',
      S3Uri: joined('s3://bucket/checkpoints', { Get: 'Execution.PipelineExecutionId' }),
    },
    ResourceConfig: ONE_INSTANCE,
    EnableManagedSpotTraining: false,
    StoppingCondition: { MaxRuntimeInSeconds: 60 },
    EnableNetworkIsolation: true,
    Environment: { REQUIRE_GPU: 'true' },
    RoleArn: 'role',
  },
});

export const fail = (Name: string, ErrorMessage: unknown) => ({
  Name,
  Type: 'Fail',
  Arguments: { ErrorMessage },
});

export const condition = (
  Name: string,
  [LeftValue, RightValue]: readonly [unknown, unknown],
  IfSteps: readonly object[],
  ElseSteps: readonly object[],
) => ({
  Name,
  Type: 'Condition',
  Arguments: { Conditions: [{ Type: 'GreaterThanOrEqualTo', LeftValue, RightValue }], IfSteps, ElseSteps },
});

/** Refers to a value in the report of a {@link job}. */
export const reported = (step: string, Path: string) => ({
  'Std:JsonGet': { PropertyFile: { Get: `Steps.${step}.PropertyFiles.Report` }, Path },
});

/** Refers to a field of a {@link job}. */
export const nameOfJob = (step: string) => ({ Get: `Steps.${step}.ProcessingJobName` });

export const definitionOf = (steps: readonly object[], parameters: readonly object[] = []): Definition =>
  definitionSchema.parse({
    Version: '2020-12-01',
    Metadata: {},
    Parameters: [{ Name: 'Epoch', Type: 'Integer', DefaultValue: 1 }, ...parameters],
    Steps: steps,
  });

/** The output of a {@link job} that wrote `report`. */
export const outputOf = (step: string, report: unknown = {}): StepOutput => ({
  ProcessingJobName: `job-of-${step}`,
  PropertyFiles: { Report: report },
});

/** Executes a definition to its end. */
export const execute = async (
  steps: readonly object[],
  run: StepRunner,
  options: Partial<ExecutionOptions> = {},
) => {
  const execution = new Execution({
    id: 'abc123abc123',
    arn: 'arn:of:execution',
    definition: definitionOf(steps),
    parameters: { Epoch: 1 },
    earlier: {},
    signal: new AbortController().signal,
    onChange: () => {},
    run,
    ...options,
  });
  await execution.run();
  const statuses = Object.fromEntries(execution.states.map(({ name, status }) => [name, status]));
  return { execution, statuses };
};
