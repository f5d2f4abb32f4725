import {
  DeregisterScalableTargetCommand,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { AddTagsCommand } from '@aws-sdk/client-sagemaker';
import { ENDPOINT_VARIANT, trialEndpointName } from '../../contract/sagemaker-jobs.ts';
import { errorText } from '../../shared/text.ts';
import { createDeployClients, type DeployContext, systemClock, undefinedIfNotFound } from './context.ts';
import { describeEndpoint, endpointTags, isGone, isServing, waitUntilSettled } from './endpoint.ts';
import { configName, deleteOldConfigs, describeConfig } from './endpoint-config.ts';
import { type RolledOut, rollOut } from './rollout.ts';
import { type DeploySettings, readDeploySettings } from './settings.ts';
import { SmokeTestError, smokeTest } from './smoke-test.ts';
import { tryModel } from './trial.ts';

/** Instances take minutes to start; scaling again before that would be premature. */
const COOLDOWN_SECONDS = 300;

const scalableTarget = ({ endpointName }: DeploySettings) =>
  ({
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${endpointName}/variant/${ENDPOINT_VARIANT}`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  }) as const;

/**
 * Removes the endpoint's autoscaling and its policy: SageMaker refuses to change the instance type while it exists.
 * Source: "Update endpoints that use auto scaling", SageMaker guide.
 */
const suspendAutoscaling = async ({ settings, clients, report }: DeployContext): Promise<void> => {
  const deregister = new DeregisterScalableTargetCommand(scalableTarget(settings));
  if (await undefinedIfNotFound(clients.scaling.send(deregister)))
    report(`Suspended autoscaling of the endpoint ${settings.endpointName}.`);
};

/** Scales the endpoint by the photos per minute and instance. Can be repeated. */
const ensureAutoscaling = async ({ settings, clients, report }: DeployContext): Promise<void> => {
  const { endpointName, minInstances: MinCapacity, maxInstances: MaxCapacity } = settings;
  const target = scalableTarget(settings);
  await clients.scaling.send(new RegisterScalableTargetCommand({ ...target, MinCapacity, MaxCapacity }));
  await clients.scaling.send(
    new PutScalingPolicyCommand({
      ...target,
      PolicyName: `${endpointName}-invocations`,
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
        TargetValue: settings.invocationsPerInstance,
        ScaleInCooldown: COOLDOWN_SECONDS,
        ScaleOutCooldown: COOLDOWN_SECONDS,
      },
    }),
  );
  report(`The endpoint ${endpointName} scales from ${MinCapacity} to ${MaxCapacity} instances.`);
};

export interface DeployResult {
  readonly kind: RolledOut['kind'];
  /** Name of the configuration in service. */
  readonly config: string;
  /** The version in the model's answers. */
  readonly modelVersion: string;
  /** The result as a sentence. */
  readonly summary: string;
}

/** @param reason the beginning of the message */
const scale = (context: DeployContext, reason: string): Promise<void> =>
  ensureAutoscaling(context).catch((cause: unknown) => {
    throw new Error(
      `${reason} The endpoint is not being scaled now (${errorText(cause)}). Run the pipeline's DeployEndpoint step again: it repairs that.`,
      { cause },
    );
  });

/** Rolls out a configuration on an endpoint that is scaled before and afterwards. */
const rollOutScaled = async (context: DeployContext, config: string): Promise<RolledOut> => {
  const { endpointName } = context.settings;
  let suspended = false;
  const suspend = () => {
    // Set even if this fails, because the response may have been lost.
    suspended = true;
    return suspendAutoscaling(context);
  };
  const rolledOut = await rollOut(context, { config, suspend }).catch(async (error: unknown) => {
    // After a failed rollout, the old model must still be scaled.
    const gone = !suspended || (await describeEndpoint(context).then(isGone, () => false));
    if (!gone) await scale(context, errorText(error));
    throw error;
  });
  await scale(context, `The endpoint ${endpointName} serves ${describeConfig(config, endpointName)}.`);
  return rolledOut;
};

/** Settings for a rollback: an active alarm would roll it back, and waiting would keep the bad model in service. */
export const withoutWatching = (settings: DeploySettings): DeploySettings => ({
  ...settings,
  rollbackAlarms: [],
  bakingSeconds: 0,
});

/** @returns a sentence that says how the endpoint recovered from a failed smoke test */
const goBack = async (context: DeployContext, { kind, previous }: RolledOut): Promise<string> => {
  if (kind === 'unchanged' || previous === undefined) return 'Deploy another model.';
  const { settings } = context;
  const before = describeConfig(previous, settings.endpointName);
  try {
    await rollOutScaled({ ...context, settings: withoutWatching(settings) }, previous);
    return `The endpoint serves ${before} again.`;
  } catch (error) {
    return `It could not go back to ${before}: ${errorText(error)}`;
  }
};

/** Adds to a failed smoke test's error where it ran, and what happened next. */
const explaining =
  ({ settings }: DeployContext, where: string, then: () => Promise<string>) =>
  async (error: unknown): Promise<never> => {
    if (!(error instanceof SmokeTestError)) throw error;
    throw new Error(
      `Model version ${settings.modelPackage.version} ${where} fails the smoke test: ${error.message.slice(0, 300)}. ${await then()}`,
      { cause: error },
    );
  };

/**
 * Deploys a model and verifies its answers, first on a trial endpoint without clients, then on the endpoint itself,
 * which is rolled back on failure. It can be repeated. Of several concurrent runs, the last one wins.
 *
 * @param options.tried skips the trial, for a model that was in service before
 * @throws Error if the model is not in service in the end, or its answers are wrong; the message says what is in
 * service instead and what to do
 */
export const deployEndpoint = async (
  context: DeployContext,
  { tried = false } = {},
): Promise<DeployResult> => {
  const { settings, clients, report } = context;
  const { endpointName, modelPackage } = settings;
  const config = configName(settings);
  if (!tried && !isServing(await waitUntilSettled(context), config))
    await tryModel(context).catch(
      explaining(context, 'is not deployed: it', async () => {
        const log = `/aws/sagemaker/Endpoints/${trialEndpointName(endpointName)}`;
        return `No client has seen it: the endpoint ${endpointName} stays as it was. Look at the log group ${log} and correct the model.`;
      }),
    );
  const rolledOut = await rollOutScaled(context, config);
  const { kind, arn, previous } = rolledOut;
  const { modelVersion, classes } = await smokeTest(context).catch(
    explaining(context, `on the endpoint ${endpointName}`, () => goBack(context, rolledOut)),
  );
  report(`The model ${modelVersion} answers; its classes are ${classes.join(', ')}.`);
  await clients.sageMaker.send(new AddTagsCommand({ ResourceArn: arn, Tags: endpointTags(settings) }));
  if (kind === 'rolled out')
    // Old configurations cost nothing, so failing to delete them does not fail the deployment.
    await deleteOldConfigs(context, previous).catch((error: unknown) =>
      report(`Old endpoint configurations are left over: ${errorText(error)}`),
    );
  const since = kind === 'unchanged' ? 'already served' : 'now serves';
  const before = previous ? ` Before, it served ${describeConfig(previous, endpointName)}.` : '';
  const summary = `The endpoint ${endpointName} ${since} model version ${modelPackage.version}, which calls itself ${modelVersion}.${before}`;
  return { kind, config, modelVersion, summary };
};

interface DeployJobOptions extends Pick<DeployContext, 'report' | 'signal'> {
  /** Environment with the job's settings; the AWS SDK reads that of the process. */
  readonly environment: NodeJS.ProcessEnv;
  readonly clock?: DeployContext['clock'];
}

/**
 * The deployment job of the learning image, as a SageMaker processing job or on any other computer.
 *
 * @returns a sentence that says what the endpoint serves
 * @throws Error if the endpoint does not serve the model, or the model does not answer
 */
export const runDeployJob = async ({
  environment,
  clock = systemClock,
  ...options
}: DeployJobOptions): Promise<string> => {
  const settings = readDeploySettings(environment);
  const clients = createDeployClients(settings.region);
  const context = { ...options, settings, clients, clock, startedAt: clock.now() };
  const { summary } = await deployEndpoint(context).catch((error: unknown) => {
    if (!(error instanceof Error && '$fault' in error)) throw error;
    throw new Error(
      `AWS refused a call of the deployment job (${error.name}): ${error.message} The job's log shows what came before it.`,
      { cause: error },
    );
  });
  return summary;
};
