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

/** Instances start in minutes; another decision before that would be rash. */
const COOLDOWN_SECONDS = 300;

const scalableTarget = ({ endpointName }: DeploySettings) =>
  ({
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${endpointName}/variant/${ENDPOINT_VARIANT}`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  }) as const;

/**
 * Removes the endpoint's autoscaling, with its policy: SageMaker refuses an update to another instance type while it
 * exists. Source: "Update endpoints that use auto scaling", SageMaker guide.
 */
const suspendAutoscaling = async ({ settings, clients, report }: DeployContext): Promise<void> => {
  const deregister = new DeregisterScalableTargetCommand(scalableTarget(settings));
  if (await undefinedIfNotFound(clients.scaling.send(deregister)))
    report(`Suspended autoscaling of the endpoint ${settings.endpointName}.`);
};

/** Lets the endpoint grow and shrink with the photos per minute and instance. May be repeated. */
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

/** What a deployment has come to. */
export interface DeployResult {
  readonly kind: RolledOut['kind'];
  /** Name of the configuration that the endpoint serves. */
  readonly config: string;
  /** The version that the model gives in its answers. */
  readonly modelVersion: string;
  /** The result in words. */
  readonly summary: string;
}

/** @param reason what the message begins with */
const scale = (context: DeployContext, reason: string): Promise<void> =>
  ensureAutoscaling(context).catch((cause: unknown) => {
    throw new Error(
      `${reason} The endpoint does not scale now (${errorText(cause)}). Run the pipeline's DeployEndpoint step again: it repairs that.`,
      { cause },
    );
  });

/** Rolls a configuration out, on an endpoint that scales before and after. */
const rollOutScaled = async (context: DeployContext, config: string): Promise<RolledOut> => {
  const { endpointName } = context.settings;
  let suspended = false;
  const suspend = () => {
    // Also when this fails: an answer can be lost.
    suspended = true;
    return suspendAutoscaling(context);
  };
  const rolledOut = await rollOut(context, { config, suspend }).catch(async (error: unknown) => {
    // A rollout that failed must not cost the old model its autoscaling.
    const gone = !suspended || (await describeEndpoint(context).then(isGone, () => false));
    if (!gone) await scale(context, errorText(error));
    throw error;
  });
  await scale(context, `The endpoint ${endpointName} serves ${describeConfig(config, endpointName)}.`);
  return rolledOut;
};

/** An alarm that is on would roll the way back back, and waiting would leave clients with the bad model. */
export const withoutWatching = (settings: DeploySettings): DeploySettings => ({
  ...settings,
  rollbackAlarms: [],
  bakingSeconds: 0,
});

/** @returns what the endpoint does about its failed smoke test, in a sentence */
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

/** Says of a failed smoke test where it was, and what then is. */
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
 * Puts a model on the endpoint and proves that it answers: first on a trial endpoint, which no client knows, then on the
 * endpoint itself, which otherwise goes back to the model before. It may be repeated. Of several runs at once the last
 * wins.
 *
 * @param options.tried the model was tried before, as one that has been served
 * @throws Error when the model is not served in the end, or does not answer as it should; the message says what is
 * served instead and what to do
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
    // Old configurations cost nothing: that they could not be deleted is no reason to call a deployment failed.
    await deleteOldConfigs(context, previous).catch((error: unknown) =>
      report(`Old endpoint configurations are left over: ${errorText(error)}`),
    );
  const since = kind === 'unchanged' ? 'already served' : 'now serves';
  const before = previous ? ` Before, it served ${describeConfig(previous, endpointName)}.` : '';
  const summary = `The endpoint ${endpointName} ${since} model version ${modelPackage.version}, which calls itself ${modelVersion}.${before}`;
  return { kind, config, modelVersion, summary };
};

interface DeployJobOptions extends Pick<DeployContext, 'report' | 'signal'> {
  /** What the job is to do; AWS's SDK reads the process's own. */
  readonly environment: NodeJS.ProcessEnv;
  readonly clock?: DeployContext['clock'];
}

/**
 * The deployment job of the learning image, as a SageMaker processing job or on any other computer.
 *
 * @returns what the endpoint serves, in words
 * @throws Error when the endpoint does not serve the model, or the model does not answer
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
