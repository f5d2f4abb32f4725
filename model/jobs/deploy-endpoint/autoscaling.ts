import {
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingPoliciesCommand,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
  type TargetTrackingScalingPolicyConfiguration,
} from '@aws-sdk/client-application-auto-scaling';
import { ENDPOINT_VARIANT } from '../../contract/sagemaker-jobs.ts';
import { orMissing } from './aws-errors.ts';
import type { Deployment } from './deployment.ts';
import type { DeploySettings } from './environment.ts';

/** Machines start in minutes; another decision before that would be rash. */
const COOLDOWN_SECONDS = 300;

const targetOf = ({ endpointName }: DeploySettings) =>
  ({
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${endpointName}/variant/${ENDPOINT_VARIANT}`,
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
  }) as const;

const trackingOf = ({ invocationsPerInstance }: DeploySettings) =>
  ({
    PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
    TargetValue: invocationsPerInstance,
    ScaleInCooldown: COOLDOWN_SECONDS,
    ScaleOutCooldown: COOLDOWN_SECONDS,
  }) satisfies TargetTrackingScalingPolicyConfiguration;

/** The autoscaling of the endpoint, for one run of the job. */
export class Autoscaling {
  readonly #deployment: Deployment;
  #suspended = false;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /** Whether this run has taken it away, or may have: an answer can be lost, and its repetition finds nothing. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /**
   * Takes it away, with its policy: SageMaker refuses an update to another type of machine while it is there.
   * Source: "Update endpoints that use auto scaling", SageMaker guide.
   */
  async suspend(): Promise<void> {
    const { settings, clients, report } = this.#deployment;
    const deregister = new DeregisterScalableTargetCommand(targetOf(settings));
    this.#suspended = true;
    if ((await orMissing(clients.scaling.send(deregister))) === undefined) return;
    report(`Suspended autoscaling of the endpoint ${settings.endpointName}.`);
  }

  /** Lets the endpoint grow and shrink with the photos per minute and machine. What is right already stays untouched. */
  async ensure(): Promise<void> {
    const { settings, clients, report } = this.#deployment;
    const { endpointName, minInstances: MinCapacity, maxInstances: MaxCapacity } = settings;
    const target = targetOf(settings);
    const policy = { ...target, PolicyName: `${endpointName}-invocations` };
    const registered = await this.#isRegistered();
    if (!registered)
      await clients.scaling.send(new RegisterScalableTargetCommand({ ...target, MinCapacity, MaxCapacity }));
    const tracked = await this.#hasPolicy(policy.PolicyName);
    if (!tracked)
      await clients.scaling.send(
        new PutScalingPolicyCommand({
          ...policy,
          PolicyType: 'TargetTrackingScaling',
          TargetTrackingScalingPolicyConfiguration: trackingOf(settings),
        }),
      );
    this.#suspended = false;
    if (!registered || !tracked)
      report(`The endpoint ${endpointName} scales from ${MinCapacity} to ${MaxCapacity} machines.`);
  }

  async #isRegistered(): Promise<boolean> {
    const { settings, clients } = this.#deployment;
    const { ResourceId, ...where } = targetOf(settings);
    const { ScalableTargets = [] } = await clients.scaling.send(
      new DescribeScalableTargetsCommand({ ...where, ResourceIds: [ResourceId] }),
    );
    return ScalableTargets.some(
      ({ MinCapacity, MaxCapacity }) =>
        MinCapacity === settings.minInstances && MaxCapacity === settings.maxInstances,
    );
  }

  async #hasPolicy(name: string): Promise<boolean> {
    const { settings, clients } = this.#deployment;
    const { TargetValue, ScaleInCooldown, ScaleOutCooldown } = trackingOf(settings);
    const { ScalingPolicies = [] } = await clients.scaling.send(
      new DescribeScalingPoliciesCommand(targetOf(settings)),
    );
    return ScalingPolicies.some(
      ({ PolicyName, TargetTrackingScalingPolicyConfiguration: tracking }) =>
        PolicyName === name &&
        tracking?.TargetValue === TargetValue &&
        tracking.ScaleInCooldown === ScaleInCooldown &&
        tracking.ScaleOutCooldown === ScaleOutCooldown,
    );
  }
}
