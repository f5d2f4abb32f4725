import {
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingPoliciesCommand,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
  type TargetTrackingScalingPolicyConfiguration,
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

const targetTracking = ({ invocationsPerInstance }: DeploySettings) =>
  ({
    PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
    TargetValue: invocationsPerInstance,
    ScaleInCooldown: COOLDOWN_SECONDS,
    ScaleOutCooldown: COOLDOWN_SECONDS,
  }) satisfies TargetTrackingScalingPolicyConfiguration;

/** The autoscaling of the endpoint, for one run of the job. */
export class EndpointAutoscaling {
  readonly #context: DeployContext;
  #suspended = false;

  constructor(context: DeployContext) {
    this.#context = context;
  }

  /** Whether this run has removed it, or may have: an answer can be lost, and its repetition finds nothing. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /**
   * Removes it, with its policy: SageMaker refuses an update to another instance type while it exists.
   * Source: "Update endpoints that use auto scaling", SageMaker guide.
   */
  async suspend(): Promise<void> {
    const { settings, clients, report } = this.#context;
    const deregister = new DeregisterScalableTargetCommand(scalableTarget(settings));
    this.#suspended = true;
    if ((await undefinedIfNotFound(clients.scaling.send(deregister))) === undefined) return;
    report(`Suspended autoscaling of the endpoint ${settings.endpointName}.`);
  }

  /** Lets the endpoint grow and shrink with the photos per minute and instance. What is right already stays untouched. */
  async ensure(): Promise<void> {
    const { settings, clients, report } = this.#context;
    const { endpointName, minInstances: MinCapacity, maxInstances: MaxCapacity } = settings;
    const target = scalableTarget(settings);
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
          TargetTrackingScalingPolicyConfiguration: targetTracking(settings),
        }),
      );
    this.#suspended = false;
    if (!registered || !tracked)
      report(`The endpoint ${endpointName} scales from ${MinCapacity} to ${MaxCapacity} instances.`);
  }

  async #isRegistered(): Promise<boolean> {
    const { settings, clients } = this.#context;
    const { ResourceId, ...where } = scalableTarget(settings);
    const { ScalableTargets = [] } = await clients.scaling.send(
      new DescribeScalableTargetsCommand({ ...where, ResourceIds: [ResourceId] }),
    );
    return ScalableTargets.some(
      ({ MinCapacity, MaxCapacity }) =>
        MinCapacity === settings.minInstances && MaxCapacity === settings.maxInstances,
    );
  }

  async #hasPolicy(name: string): Promise<boolean> {
    const { settings, clients } = this.#context;
    const { TargetValue, ScaleInCooldown, ScaleOutCooldown } = targetTracking(settings);
    const { ScalingPolicies = [] } = await clients.scaling.send(
      new DescribeScalingPoliciesCommand(scalableTarget(settings)),
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
