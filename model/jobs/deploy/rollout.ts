import {
  CreateEndpointCommand,
  DeleteEndpointCommand,
  type TrafficRoutingConfig,
  UpdateEndpointCommand,
  type UpdateEndpointInput,
} from '@aws-sdk/client-sagemaker';
import { type DeployContext, isAlreadyExists, isInProgress, isMissingInAws } from './context.ts';
import {
  describeEndpoint,
  type EndpointState,
  endpointTags,
  isServing,
  isSettled,
  pause,
  waitUntilSettled,
} from './endpoint.ts';
import { configName, describeConfig, ensureEndpointConfig } from './endpoint-config.ts';
import type { DeploySettings } from './settings.ts';

/** One of this many instances is the canary. */
const INSTANCES_PER_CANARY = 10;

/** Enough time for SageMaker to start instances and containers. */
const STARTING_SECONDS = 3000;

/** SageMaker's reasons are truncated, because it shows only 1024 characters of the job's message. */
const REASON_LENGTH = 300;

/**
 * The canary is a number of instances, because it is not documented how SageMaker rounds percentages, and it refuses
 * more than half. Source: TrafficRoutingConfig, SageMaker's API reference.
 */
const trafficRouting = (instances: number, bakingSeconds: number): TrafficRoutingConfig =>
  instances > 1
    ? {
        Type: 'CANARY',
        CanarySize: {
          Type: 'INSTANCE_COUNT',
          Value: Math.max(1, Math.floor(instances / INSTANCES_PER_CANARY)),
        },
        WaitIntervalInSeconds: bakingSeconds,
      }
    : // A single instance cannot be divided. The alarms watch it while the old one is kept.
      { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 };

/**
 * The policy of an update: new instances are started next to the old ones, which are kept while the alarms watch the
 * new model. The endpoint keeps the number of instances set by autoscaling.
 */
export const updatePolicy = (
  { minInstances, maxInstances, bakingSeconds, rollbackAlarms }: DeploySettings,
  { desiredInstances }: Pick<EndpointState, 'desiredInstances'>,
) => {
  const keepsCount = desiredInstances >= minInstances && desiredInstances <= maxInstances;
  const instances = keepsCount ? desiredInstances : minInstances;
  return {
    RetainAllVariantProperties: keepsCount,
    DeploymentConfig: {
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: trafficRouting(instances, bakingSeconds),
        TerminationWaitInSeconds: bakingSeconds,
        MaximumExecutionTimeoutInSeconds: STARTING_SECONDS + 2 * bakingSeconds,
      },
      ...(rollbackAlarms.length > 0 && {
        AutoRollbackConfiguration: { Alarms: rollbackAlarms.map((AlarmName) => ({ AlarmName })) },
      }),
    },
  } satisfies Omit<UpdateEndpointInput, 'EndpointName' | 'EndpointConfigName'>;
};

/**
 * Says why the endpoint does not serve the model after a rollout, what it serves instead, and what to do.
 *
 * @param previous the previous configuration; `undefined` if there was none
 */
const rolloutError = (
  { endpointName, modelPackage, rollbackAlarms }: DeploySettings,
  state: EndpointState | undefined,
  previous: string | undefined,
): Error => {
  const isBack = state?.status === 'InService' && state.config === previous;
  let what = 'was deleted during the rollout';
  if (state?.status === 'InService')
    what = `serves ${describeConfig(state.config, endpointName)}${isBack ? ' as before' : ', which was deployed meanwhile'}`;
  else if (state) what = `is ${state.status}`;
  const reason = state?.failureReason
    ? ` SageMaker says: ${state.failureReason.slice(0, REASON_LENGTH)}`
    : ' SageMaker gives no reason.';
  const alarms = rollbackAlarms.length > 0 ? rollbackAlarms.join(', ') : 'none';
  return new Error(
    `Model version ${modelPackage.version} ${isBack ? 'was rolled back' : 'is not served'}: the endpoint ${endpointName} ${what}.${reason} The alarms that trigger a rollback: ${alarms}. Look at the log group /aws/sagemaker/Endpoints/${endpointName} before you run the pipeline's DeployEndpoint step again.`,
  );
};

/** What the endpoint should serve. */
interface Goal {
  readonly config: string;
  readonly suspend: () => Promise<void>;
}

/**
 * Starts the change that leads the endpoint to its goal.
 *
 * @param settled the endpoint's state, with nothing in progress
 * @returns the previous configuration; `undefined` if the state must be read again, because a failed endpoint is being
 * deleted, or it has changed
 */
const begin = async (
  context: DeployContext,
  { config: EndpointConfigName, suspend }: Goal,
  settled: EndpointState | undefined,
): Promise<Pick<RolledOut, 'previous'> | undefined> => {
  const { settings, clients, report } = context;
  const { endpointName: EndpointName } = settings;
  if (settled?.status === 'Failed') {
    const reason = settled.failureReason ?? 'no reason is given';
    report(`The endpoint ${EndpointName} has failed (${reason}). It cannot be updated: deleting it.`);
    await clients.sageMaker.send(new DeleteEndpointCommand({ EndpointName }));
    return undefined;
  }
  if (EndpointConfigName === configName(settings)) await ensureEndpointConfig(context);
  const next = describeConfig(EndpointConfigName, EndpointName);
  if (settled === undefined) {
    report(`Creating the endpoint ${EndpointName} with ${next}.`);
    await clients.sageMaker.send(
      new CreateEndpointCommand({ EndpointName, EndpointConfigName, Tags: endpointTags(settings) }),
    );
    return { previous: undefined };
  }
  await suspend();
  // Read again, because autoscaling or another run may have changed something.
  const now = await describeEndpoint(context);
  if (now === undefined || !isSettled(now) || isServing(now, EndpointConfigName)) return undefined;
  const policy = updatePolicy(settings, now);
  const { Type } = policy.DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration;
  const how = Type === 'CANARY' ? 'a canary first' : 'all at once, because a single instance has no canary';
  const from = describeConfig(now.config, EndpointName);
  report(`Updating the endpoint ${EndpointName} from ${from} to ${next}: ${how}.`);
  await clients.sageMaker.send(new UpdateEndpointCommand({ EndpointName, EndpointConfigName, ...policy }));
  // An endpoint that was out of service may already have had this configuration.
  return { previous: now.config === EndpointConfigName ? undefined : now.config };
};

/** Like {@link begin}, but tolerates concurrent changes. */
const tryToBegin = async (context: DeployContext, goal: Goal, settled: EndpointState | undefined) => {
  const { report } = context;
  const { endpointName } = context.settings;
  try {
    return await begin(context, goal, settled);
  } catch (error) {
    if (isMissingInAws(error)) {
      // SageMaker cannot update an endpoint without its configuration.
      if (settled && String(error).includes(`endpoint-config/${settled.config}"`))
        throw new Error(
          `The endpoint ${endpointName} cannot be updated: its configuration ${settled.config} was deleted. Delete the endpoint (aws sagemaker delete-endpoint --endpoint-name ${endpointName}) and run the pipeline's DeployEndpoint step again; until then the endpoint keeps serving.`,
        );
      report(
        `The endpoint ${endpointName} or its configuration does not exist (yet): ${String(error)}. Checking again.`,
      );
      return undefined;
    }
    if (!isInProgress(error) && !isAlreadyExists(error)) throw error;
    const now = await describeEndpoint(context);
    // The request was performed, but its response was lost and the SDK repeated it.
    if (!isSettled(now) && (now?.pending ?? now?.config) === goal.config)
      return { previous: settled?.config };
    report(`Another run is changing the endpoint ${endpointName}.`);
    return undefined;
  }
};

/** A completed rollout. */
export interface RolledOut {
  readonly kind: 'rolled out' | 'unchanged';
  readonly arn: string;
  /** Name of the configuration before this run; `undefined` if there was none. */
  readonly previous: string | undefined;
}

/**
 * Leads the endpoint to its goal from any state, and waits until it gets there. Waits for changes in progress first, so
 * that of several runs with different models the last one wins. Autoscaling may be suspended afterwards, even after an
 * error.
 *
 * @throws Error that says what is in service, if the goal is not reached
 */
export const rollOut = async (context: DeployContext, goal: Goal): Promise<RolledOut> => {
  for (;;) {
    const before = await waitUntilSettled(context);
    if (before && isServing(before, goal.config))
      return { kind: 'unchanged', arn: before.arn, previous: undefined };
    const begun = await tryToBegin(context, goal, before);
    await pause(context);
    if (!begun) continue;
    const after = await waitUntilSettled(context);
    if (!after || !isServing(after, goal.config)) throw rolloutError(context.settings, after, begun.previous);
    return { kind: 'rolled out', arn: after.arn, previous: begun.previous };
  }
};
