import {
  DeregisterScalableTargetCommand,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { ENDPOINT_VARIANT } from '../../contract/sagemaker-jobs.ts';
import { type DeployContext, undefinedIfNotFound } from './context.ts';
import type { DeploySettings } from './settings.ts';

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
export const suspendAutoscaling = async ({ settings, clients, report }: DeployContext): Promise<void> => {
  const deregister = new DeregisterScalableTargetCommand(scalableTarget(settings));
  if (await undefinedIfNotFound(clients.scaling.send(deregister)))
    report(`Suspended autoscaling of the endpoint ${settings.endpointName}.`);
};

/** Lets the endpoint grow and shrink with the photos per minute and instance. May be repeated. */
export const ensureAutoscaling = async ({ settings, clients, report }: DeployContext): Promise<void> => {
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
