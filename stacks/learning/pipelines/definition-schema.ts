import { z } from 'zod';
import { modelPackageRequest, modelRequest, processingRequest, trainingRequest } from './request-schemas.ts';
import { NAME, pipelineVariable } from './variables.ts';

const name = z.string().regex(NAME, 'must be up to 64 letters, digits, hyphens and underscores');

const parameter = z.discriminatedUnion('Type', [
  z.strictObject({ Name: name, Type: z.literal('String'), DefaultValue: z.string().max(4096) }),
  z.strictObject({ Name: name, Type: z.literal('Integer'), DefaultValue: z.int() }),
  z.strictObject({ Name: name, Type: z.literal('Float'), DefaultValue: z.number() }),
]);

const retryPolicies = z.array(
  z.strictObject({
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
  }),
);

const anyStep = { Name: name, DependsOn: z.array(name).min(1).optional() };
const retried = { ...anyStep, RetryPolicies: retryPolicies };

const trainingStep = z.strictObject({ ...retried, Type: z.literal('Training'), Arguments: trainingRequest });
const processingStep = z.strictObject({
  ...retried,
  Type: z.literal('Processing'),
  Arguments: processingRequest,
  PropertyFiles: z
    .array(
      z.strictObject({ PropertyFileName: name, OutputName: z.string().min(1), FilePath: z.string().min(1) }),
    )
    .optional(),
});
const modelStep = z.strictObject({ ...retried, Type: z.literal('Model'), Arguments: modelRequest });
const registerModelStep = z.strictObject({
  ...retried,
  Type: z.literal('RegisterModel'),
  Arguments: modelPackageRequest,
});
const failStep = z.strictObject({
  ...anyStep,
  Type: z.literal('Fail'),
  Arguments: z.strictObject({ ErrorMessage: z.union([z.string().min(1), pipelineVariable]) }),
});

const onBranch = [trainingStep, processingStep, modelStep, registerModelStep, failStep] as const;
const branch = z.array(z.discriminatedUnion('Type', onBranch));
const side = z.union([z.number(), pipelineVariable]);
const conditionStep = z.strictObject({
  ...anyStep,
  Type: z.literal('Condition'),
  Arguments: z.strictObject({
    Conditions: z
      .array(z.strictObject({ Type: z.literal('GreaterThanOrEqualTo'), LeftValue: side, RightValue: side }))
      .min(1),
    IfSteps: branch,
    ElseSteps: branch,
  }),
});

const step = z.discriminatedUnion('Type', [...onBranch, conditionStep]);

/**
 * A pipeline's definition as SageMaker reads it, as far as ours go: unknown fields are errors. Names must be unique and
 * references must point to earlier steps; this schema does not look at that.
 */
export const definitionSchema = z.strictObject({
  Version: z.literal('2020-12-01'),
  Metadata: z.record(z.string(), z.string()),
  Parameters: z.array(parameter),
  Steps: z.array(step).min(1),
});

export type Definition = z.infer<typeof definitionSchema>;
export type DefinitionParameter = z.infer<typeof parameter>;
export type DefinitionStep = z.infer<typeof step>;
