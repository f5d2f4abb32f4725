import type { ProductionVariantInstanceType } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { DEPLOY_ENVIRONMENT } from '../../contract/sagemaker-jobs.ts';

/** What the job is to do. Durations are in the unit that their name ends in. */
export interface DeploySettings {
  readonly region: string;
  readonly endpointName: string;
  readonly modelName: string;
  readonly modelPackage: {
    readonly arn: string;
    /** Its number in the group of registered models. */
    readonly version: number;
  };
  /** What the model calls itself in its answers; not checked when not known. */
  readonly expectedModelVersion: string | undefined;
  readonly instanceType: ProductionVariantInstanceType;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Photos per minute and machine that autoscaling aims at. */
  readonly invocationsPerInstance: number;
  /** Names of the alarms any of which takes the new model back. */
  readonly rollbackAlarms: readonly string[];
  /** For how long the alarms watch each step of the rollout. */
  readonly bakingSeconds: number;
  readonly pollSeconds: number;
  /** When to give up waiting. */
  readonly limitMinutes: number;
}

/** What a person may set beside the contract's variables, mostly to try the job out. */
const OPTIONAL = {
  expectedModelVersion: 'EXPECTED_MODEL_VERSION',
  invocationsPerInstance: 'INVOCATIONS_PER_INSTANCE',
  bakingSeconds: 'BAKING_SECONDS',
  pollSeconds: 'POLL_SECONDS',
  limitMinutes: 'LIMIT_MINUTES',
} as const;

const VARIABLES = { ...DEPLOY_ENVIRONMENT, ...OPTIONAL };

/** SageMaker takes 63 characters, of which `-<version>-<hash>` of a configuration's name needs up to 20. */
const ENDPOINT_NAME_LIMIT = 43;
const INSTANCE_TYPE = /^ml\.[a-z0-9-]+\.[a-z0-9-]+$/;
/** Source: AutoRollbackConfig, SageMaker's API reference. */
const ALARM_LIMIT = 10;

const name = z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/, 'give letters, digits and single hyphens');
const positive = z.coerce.number().positive();
const instances = z.coerce.number().int().min(1);

/** AWS adds types faster than its SDK lists them. */
const instanceType = z.custom<ProductionVariantInstanceType>(
  (value) => typeof value === 'string' && INSTANCE_TYPE.test(value),
  'give a machine of SageMaker, such as ml.m5.large',
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
  .transform((list) =>
    list
      .split(',')
      .map((alarm) => alarm.trim())
      .filter((alarm) => alarm !== ''),
  )
  .refine((list) => list.length <= ALARM_LIMIT, `name at most ${ALARM_LIMIT} alarms`);

const schema = z
  .object({
    [VARIABLES.region]: z.string(),
    [VARIABLES.endpointName]: name.max(ENDPOINT_NAME_LIMIT),
    [VARIABLES.modelName]: name.max(63),
    [VARIABLES.modelPackage]: modelPackage,
    [VARIABLES.instanceType]: instanceType,
    [VARIABLES.minInstances]: instances,
    [VARIABLES.maxInstances]: instances,
    [VARIABLES.rollbackAlarms]: alarms.prefault(''),
    [VARIABLES.expectedModelVersion]: z.string().optional(),
    // 20 a second, where one that takes 20 ms a photo could answer 50: time is left to start another.
    [VARIABLES.invocationsPerInstance]: positive.default(1200),
    // The alarms look at up to three minutes in a row.
    [VARIABLES.bakingSeconds]: z.coerce.number().int().min(0).max(3600).default(300),
    [VARIABLES.pollSeconds]: positive.default(15),
    // Before the pipeline ends the job, which would not say why.
    [VARIABLES.limitMinutes]: positive.default(100),
  })
  .refine((values) => values[VARIABLES.minInstances] <= values[VARIABLES.maxInstances], {
    path: [VARIABLES.minInstances],
    message: `must not be above ${VARIABLES.maxInstances}`,
  });

/**
 * Reads the job's settings. A variable that is set but empty counts as not set.
 *
 * @throws Error that names each wrong variable
 */
export const readEnvironment = (environment: NodeJS.ProcessEnv): DeploySettings => {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { data, error } = schema.safeParse(present);
  if (error) {
    const issues = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Error(
      `The environment of the deployment job is wrong. ${issues.join('; ')}. Correct it in the pipeline's DeployEndpoint step.`,
    );
  }
  return {
    region: data[VARIABLES.region],
    endpointName: data[VARIABLES.endpointName],
    modelName: data[VARIABLES.modelName],
    modelPackage: data[VARIABLES.modelPackage],
    expectedModelVersion: data[VARIABLES.expectedModelVersion],
    instanceType: data[VARIABLES.instanceType],
    minInstances: data[VARIABLES.minInstances],
    maxInstances: data[VARIABLES.maxInstances],
    invocationsPerInstance: data[VARIABLES.invocationsPerInstance],
    rollbackAlarms: data[VARIABLES.rollbackAlarms],
    bakingSeconds: data[VARIABLES.bakingSeconds],
    pollSeconds: data[VARIABLES.pollSeconds],
    limitMinutes: data[VARIABLES.limitMinutes],
  };
};
