import { z } from 'zod';

/*
 * The subset of SageMaker's pipeline definitions that we use. Definitions are built, run and reviewed with these types.
 * Unknown fields are errors, so that nothing silently ignores one.
 */

const name = z
  .string()
  .regex(/^[A-Za-z0-9\-_]{1,64}$/, 'must be up to 64 letters, digits, hyphens and underscores');

const word = z.string().min(1);

const get = z.strictObject({
  Get: z.union([
    z.templateLiteral(['Parameters.', z.string()]),
    z.templateLiteral(['Steps.', z.string()]),
    z.templateLiteral(['Execution.', z.enum(['PipelineExecutionId', 'PipelineExecutionArn'])]),
  ]),
});

const jsonGet = z.strictObject({
  'Std:JsonGet': z.strictObject({
    PropertyFile: z.strictObject({ Get: z.templateLiteral(['Steps.', z.string()]) }),
    Path: word,
  }),
});

const join = z.strictObject({
  'Std:Join': z.strictObject({
    On: z.string(),
    Values: z.array(z.union([z.string(), z.number(), get, jsonGet])).min(1),
  }),
});

/** A string or number that is known only when the pipeline runs. */
export const pipelineVariable = z.union([get, join, jsonGet]);

/**
 * The `Arguments` of each type of step: a request of SageMaker's API.
 *
 * @param text a non-empty string
 * @param value any string
 */
const requests = <Text extends z.ZodType, Value extends z.ZodType>(text: Text, value: Value) => {
  const environment = z.record(z.string().regex(/^[A-Za-z_]\w*$/), value);
  const oneInstance = z.strictObject({
    InstanceType: word,
    InstanceCount: z.literal(1),
    VolumeSizeInGB: z.int().min(1),
  });
  const prefix = {
    S3Uri: text,
    S3DataType: z.literal('S3Prefix'),
    S3DataDistributionType: z.literal('FullyReplicated'),
  };
  const container = z.strictObject({ Image: word, ModelDataUrl: text, Environment: environment });

  const channel = z.strictObject({
    ChannelName: z.string().regex(/^[\w.-]{1,64}$/),
    InputMode: z.literal('File'),
    DataSource: z.strictObject({ S3DataSource: z.strictObject(prefix) }),
  });
  const metric = z.strictObject({ Name: word.max(255), Regex: word.max(500) });

  /** `TrainingJobName` is a prefix, to which SageMaker adds the execution's id and random letters. */
  const training = z.strictObject({
    TrainingJobName: word,
    AlgorithmSpecification: z.strictObject({
      TrainingImage: text,
      TrainingInputMode: z.literal('File'),
      MetricDefinitions: z.array(metric),
    }),
    HyperParameters: z.record(z.string(), text),
    InputDataConfig: z.array(channel).min(1).max(20),
    OutputDataConfig: z.strictObject({ S3OutputPath: text }),
    CheckpointConfig: z.strictObject({ S3Uri: text, LocalPath: word }),
    ResourceConfig: oneInstance,
    EnableManagedSpotTraining: z.boolean(),
    StoppingCondition: z.strictObject({
      MaxRuntimeInSeconds: z.int().min(1),
      MaxWaitTimeInSeconds: z.int().min(1).optional(),
    }),
    EnableNetworkIsolation: z.boolean(),
    Environment: environment,
    RoleArn: word,
  });

  const input = z.strictObject({
    InputName: word,
    S3Input: z.strictObject({ ...prefix, LocalPath: word, S3InputMode: z.literal('File') }),
  });
  const output = z.strictObject({
    OutputName: word,
    S3Output: z.strictObject({ S3Uri: text, LocalPath: word, S3UploadMode: z.literal('EndOfJob') }),
  });

  /** A job without a name, like a model, is called `pipelines-<execution>-<step>-<random letters>`. */
  const processing = z.strictObject({
    AppSpecification: z.strictObject({ ImageUri: text, ContainerArguments: z.array(text).min(1).max(100) }),
    ProcessingInputs: z.array(input).max(10).optional(),
    ProcessingOutputConfig: z.strictObject({ Outputs: z.array(output).max(10) }).optional(),
    Environment: environment.optional(),
    NetworkConfig: z.strictObject({ EnableNetworkIsolation: z.boolean() }).optional(),
    ProcessingResources: z.strictObject({ ClusterConfig: oneInstance }),
    StoppingCondition: z.strictObject({ MaxRuntimeInSeconds: z.int().min(1) }),
    RoleArn: word,
  });

  const model = z.strictObject({
    PrimaryContainer: container,
    ExecutionRoleArn: word,
    EnableNetworkIsolation: z.boolean(),
  });

  const modelPackage = z.strictObject({
    ModelPackageGroupName: word,
    ModelApprovalStatus: z.enum(['Approved', 'PendingManualApproval', 'Rejected']),
    InferenceSpecification: z.strictObject({
      Containers: z.array(container).length(1),
      SupportedContentTypes: z.array(word),
      SupportedResponseMIMETypes: z.array(word),
      SupportedRealtimeInferenceInstanceTypes: z.array(word),
    }),
    ModelMetrics: z.strictObject({
      ModelQuality: z.strictObject({ Statistics: z.strictObject({ ContentType: word, S3Uri: text }) }),
    }),
    CustomerMetadataProperties: z.record(word.max(128), text),
  });

  return { training, processing, model, modelPackage };
};

const text = z.union([word, pipelineVariable]);
const unresolved = requests(text, z.union([z.string(), pipelineVariable]));

/** The same requests with all variables resolved, as the local pipeline parses them. */
export const resolvedRequests = requests(z.string(), z.string());

/** Source: "Retry Policy for Pipeline Steps", SageMaker's developer guide. */
const retryPolicy = z.strictObject({
  ExceptionType: z
    .array(
      z.enum([
        'Step.SERVICE_FAULT',
        'Step.THROTTLING',
        'SageMaker.JOB_INTERNAL_ERROR',
        'SageMaker.CAPACITY_ERROR',
      ]),
    )
    .min(1),
  IntervalSeconds: z.int().min(1).max(43_200),
  BackoffRate: z.number().min(1),
  MaxAttempts: z.int().min(1).max(20),
});

const anyStep = { Name: name, DependsOn: z.array(name).min(1).optional() };
const retried = { ...anyStep, RetryPolicies: z.array(retryPolicy) };
/** A JSON file in one of the step's outputs, from which later steps can read values. */
const propertyFile = z.strictObject({
  PropertyFileName: name,
  OutputName: word,
  FilePath: word,
});

/** The steps allowed on a branch: SageMaker does not nest conditions. */
const branchStep = [
  z.strictObject({ ...retried, Type: z.literal('Training'), Arguments: unresolved.training }),
  z.strictObject({
    ...retried,
    Type: z.literal('Processing'),
    Arguments: unresolved.processing,
    PropertyFiles: z.array(propertyFile).optional(),
  }),
  z.strictObject({ ...retried, Type: z.literal('Model'), Arguments: unresolved.model }),
  z.strictObject({ ...retried, Type: z.literal('RegisterModel'), Arguments: unresolved.modelPackage }),
  z.strictObject({
    ...anyStep,
    Type: z.literal('Fail'),
    Arguments: z.strictObject({ ErrorMessage: text }),
  }),
] as const;

const branch = z.array(z.discriminatedUnion('Type', branchStep));
const operand = z.union([z.number(), pipelineVariable]);
const conditionStep = z.strictObject({
  ...anyStep,
  Type: z.literal('Condition'),
  Arguments: z.strictObject({
    Conditions: z
      .array(
        z.strictObject({ Type: z.literal('GreaterThanOrEqualTo'), LeftValue: operand, RightValue: operand }),
      )
      .min(1),
    IfSteps: branch,
    ElseSteps: branch,
  }),
});

const step = z.discriminatedUnion('Type', [...branchStep, conditionStep]);

const parameter = z.discriminatedUnion('Type', [
  z.strictObject({ Name: name, Type: z.literal('String'), DefaultValue: z.string().max(4096) }),
  z.strictObject({ Name: name, Type: z.literal('Integer'), DefaultValue: z.int() }),
  z.strictObject({ Name: name, Type: z.literal('Float'), DefaultValue: z.number() }),
]);

/**
 * A pipeline definition: the JSON that `CreatePipeline` accepts. Names must be unique and references must point to
 * earlier steps, which this schema does not check.
 */
export const definitionSchema = z.strictObject({
  Version: z.literal('2020-12-01'),
  Metadata: z.record(z.string(), z.string()),
  Parameters: z.array(parameter),
  Steps: z.array(step).min(1),
});

export type PipelineVariable = z.infer<typeof pipelineVariable>;
type JoinedValue = z.infer<typeof join>['Std:Join']['Values'][number];
export type RetryPolicy = z.infer<typeof retryPolicy>;
export type Definition = z.infer<typeof definitionSchema>;
export type DefinitionParameter = z.infer<typeof parameter>;
export type DefinitionStep = z.infer<typeof step>;
export type StepOfType<Type extends DefinitionStep['Type']> = Extract<
  DefinitionStep,
  { readonly Type: Type }
>;

/** A field of an earlier step's Describe answer, such as `ModelArtifacts.S3ModelArtifacts`. */
export const property = (step: string, path: string) => ({ Get: `Steps.${step}.${path}` as const });

/** This run of the pipeline. */
export const EXECUTION = {
  id: { Get: 'Execution.PipelineExecutionId' },
  arn: { Get: 'Execution.PipelineExecutionArn' },
} as const;

/** Joins values into one string. A single value becomes a string, for a number in a field that must be one. */
export const joined = (on: string, ...values: readonly JoinedValue[]) => ({
  'Std:Join': { On: on, Values: [...values] },
});

/** A value from the JSON file that an earlier processing step declared as `propertyFile`. */
export const fromFile = (step: string, propertyFile: string, path: string) => ({
  'Std:JsonGet': { PropertyFile: property(step, `PropertyFiles.${propertyFile}`), Path: path },
});

/** The steps on the branches of a condition; empty for other steps. */
export const branchSteps = (step: DefinitionStep): readonly DefinitionStep[] =>
  step.Type === 'Condition' ? [...step.Arguments.IfSteps, ...step.Arguments.ElseSteps] : [];

/** Every step; those on branches follow their condition. */
export const allSteps = ({ Steps }: Pick<Definition, 'Steps'>): readonly DefinitionStep[] =>
  Steps.flatMap((step) => [step, ...branchSteps(step)]);

const getter = z.object({ Get: z.string() });

/** Every `Get` anywhere in a value. */
export const referencesIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const found = getter.safeParse(value);
  return found.success ? [found.data.Get] : Object.values(value).flatMap(referencesIn);
};
