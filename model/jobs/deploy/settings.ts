import type { ProductionVariantInstanceType } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { DEPLOY_ENVIRONMENT } from '../../contract/sagemaker-jobs.ts';

/** The environment variable of each setting: those of the contract, and some for trying out the job. */
const VARIABLES = {
  ...DEPLOY_ENVIRONMENT,
  invocationsPerInstance: 'INVOCATIONS_PER_INSTANCE',
  bakingSeconds: 'BAKING_SECONDS',
  pollSeconds: 'POLL_SECONDS',
  limitMinutes: 'LIMIT_MINUTES',
} as const;

/** SageMaker allows 63 characters, of which the suffix `-<version>-<hash>` of a configuration needs up to 20. */
const ENDPOINT_NAME_LIMIT = 43;
const INSTANCE_TYPE = /^ml\.[a-z0-9-]+\.[a-z0-9-]+$/;
/** Source: AutoRollbackConfig, SageMaker's API reference. */
const ALARM_LIMIT = 10;

const name = z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/, 'give letters, digits and single hyphens');
const positive = z.coerce.number().positive();
const instances = z.coerce.number().int().min(1);

/** A pattern, because AWS adds types faster than its SDK lists them. */
const instanceType = z.custom<ProductionVariantInstanceType>(
  (value) => typeof value === 'string' && INSTANCE_TYPE.test(value),
  'give a SageMaker instance type, such as ml.m5.large',
);

const modelPackage = z
  .string()
  .regex(
    /^arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:model-package\/[^/]+\/\d{1,10}$/,
    'give the ARN of a version of a model package, such as arn:aws:sagemaker:ap-northeast-2:123456789012:model-package/flowers/3',
  )
  .transform((arn) => ({ arn, version: Number(arn.slice(arn.lastIndexOf('/') + 1)) }));

const alarms = z
  .string()
  .transform((list) => list.split(',').flatMap((alarm) => alarm.trim() || []))
  .refine((list) => list.length <= ALARM_LIMIT, `name at most ${ALARM_LIMIT} alarms`);

const schema = z
  .object({
    region: z.string(),
    endpointName: name.max(ENDPOINT_NAME_LIMIT),
    modelName: name.max(63),
    /** The ARN ends with the version, its number in the model package group. */
    modelPackage,
    instanceType,
    minInstances: instances,
    maxInstances: instances,
    /** Names of the alarms, each of which triggers a rollback. */
    rollbackAlarms: alarms.prefault(''),
    /**
     * Autoscaling's target of photos per minute and instance: 20 per second, where an instance that takes 20 ms per
     * photo could answer 50. That leaves time to start another instance.
     */
    invocationsPerInstance: positive.default(1200),
    /** How long the alarms watch each step of the rollout; they evaluate up to three minutes in a row. */
    bakingSeconds: z.coerce.number().int().min(0).max(3600).default(300),
    pollSeconds: positive.default(15),
    /** Timeout: before the pipeline ends the job, which would give no reason. */
    limitMinutes: positive.default(100),
  })
  .refine(({ minInstances, maxInstances }) => minInstances <= maxInstances, {
    path: ['minInstances'],
    message: `must not be above ${VARIABLES.maxInstances}`,
  });

/** The job's settings. Durations are in the unit at the end of their name. */
export type DeploySettings = Readonly<z.infer<typeof schema>>;

/**
 * Reads the job's settings. Empty variables count as unset.
 *
 * @throws Error that names each invalid variable
 */
export const readDeploySettings = (environment: NodeJS.ProcessEnv): DeploySettings => {
  const variables: Readonly<Record<string, string>> = VARIABLES;
  const given = Object.entries(variables).map(([setting, variable]) => [
    setting,
    environment[variable] || undefined,
  ]);
  const { data, error } = schema.safeParse(Object.fromEntries(given));
  if (data) return data;
  const issues = error.issues.map(({ path, message }) => `${variables[path.join('.')]}: ${message}`);
  throw new Error(
    `Invalid environment of the deployment job: ${issues.join('; ')}. Correct it in the pipeline's DeployEndpoint step.`,
  );
};
