import type { TrafficRoutingConfig, UpdateEndpointInput } from '@aws-sdk/client-sagemaker';
import type { EndpointState } from './endpoint-state.ts';
import type { DeploySettings } from './environment.ts';

/** Of so many machines, one takes the first step of traffic. */
const MACHINES_PER_CANARY = 10;

/** Enough for SageMaker to start the machines and their containers. */
const STARTING_SECONDS = 3000;

/**
 * Counted in machines: how SageMaker rounds a percentage of a few of them is not documented, and more than half of them
 * it refuses. Source: TrafficRoutingConfig, SageMaker's API reference.
 */
const canaryMachines = (machines: number): number => Math.max(1, Math.floor(machines / MACHINES_PER_CANARY));

const trafficRouting = (machines: number, bakingSeconds: number): TrafficRoutingConfig =>
  machines > 1
    ? {
        Type: 'CANARY',
        CanarySize: { Type: 'INSTANCE_COUNT', Value: canaryMachines(machines) },
        WaitIntervalInSeconds: bakingSeconds,
      }
    : // One machine cannot be halved. The alarms watch it while the old one is kept.
      { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 };

/**
 * How an update is carried out: on new machines beside the old ones, which are kept until the alarms have watched the
 * new model for a while. The endpoint keeps the number of machines that autoscaling gave it.
 */
export const updatePolicy = (
  { minInstances, maxInstances, bakingSeconds, rollbackAlarms }: DeploySettings,
  { desiredInstances }: Pick<EndpointState, 'desiredInstances'>,
): Omit<UpdateEndpointInput, 'EndpointName' | 'EndpointConfigName'> => {
  const keepsCount = desiredInstances >= minInstances && desiredInstances <= maxInstances;
  return {
    RetainAllVariantProperties: keepsCount,
    DeploymentConfig: {
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: trafficRouting(
          keepsCount ? desiredInstances : minInstances,
          bakingSeconds,
        ),
        TerminationWaitInSeconds: bakingSeconds,
        MaximumExecutionTimeoutInSeconds: STARTING_SECONDS + 2 * bakingSeconds,
      },
      ...(rollbackAlarms.length > 0 && {
        AutoRollbackConfiguration: { Alarms: rollbackAlarms.map((AlarmName) => ({ AlarmName })) },
      }),
    },
  };
};
