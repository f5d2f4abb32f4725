import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import { type AwsCaller, AwsError, arn, type Handler, invalid, operation, type Place } from './protocol.ts';
import { type AwsState, scalable, scalableTarget, scalingPolicy } from './state.ts';

const CONTEXT = { 'application-autoscaling:service-namespace': 'sagemaker' };

const variantId = (endpointName: string) => `endpoint/${endpointName}/variant/${ENDPOINT_VARIANT}`;

/** Application Auto Scaling for endpoints, which here only remembers: there are no instances to start. */
export class Autoscaling {
  readonly #contents: AwsState['contents'];
  readonly #place: Place;

  constructor({ contents }: AwsState, place: Place) {
    this.#contents = contents;
    this.#place = place;
  }

  /** Bounds and names of the policies of an endpoint; `undefined` when it does not scale. */
  find(endpointName: string) {
    const id = variantId(endpointName);
    const found = this.#contents.scalableTargets.find(({ ResourceId }) => ResourceId === id);
    if (!found) return undefined;
    const policies = this.#contents.scalingPolicies.filter(({ ResourceId }) => ResourceId === id);
    return {
      min: found.MinCapacity,
      max: found.MaxCapacity,
      policies: policies.map(({ PolicyName }) => PolicyName),
    };
  }

  remove(endpointName: string): void {
    this.#remove(variantId(endpointName));
  }

  #remove(id: string): void {
    const contents = this.#contents;
    contents.scalableTargets = contents.scalableTargets.filter(({ ResourceId }) => ResourceId !== id);
    contents.scalingPolicies = contents.scalingPolicies.filter(({ ResourceId }) => ResourceId !== id);
  }

  #assertRegistered(id: string): void {
    if (this.#contents.scalableTargets.some(({ ResourceId }) => ResourceId === id)) return;
    throw new AwsError(
      'ObjectNotFoundException',
      `No scalable target found for service namespace: sagemaker, resource ID: ${id}.`,
    );
  }

  get operations() {
    const contents = this.#contents;
    const place = this.#place;
    const targetArn = arn(place, 'application-autoscaling', 'scalable-target/0ec5');
    const serviceRole = `arn:aws:iam::${place.account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`;
    const assertAllowed = (caller: AwsCaller, action: string, resource = targetArn) =>
      caller.assertAllowed(`application-autoscaling:${action}`, resource, CONTEXT);
    const alarmArn = (id: string) => arn(place, 'cloudwatch', `alarm:TargetTracking-${id}-AlarmHigh-1`);
    return {
      RegisterScalableTarget: operation(scalableTarget, (target, caller: AwsCaller) => {
        assertAllowed(caller, 'RegisterScalableTarget');
        caller.assertAllowed('iam:CreateServiceLinkedRole', serviceRole, {
          'iam:AWSServiceName': 'sagemaker.application-autoscaling.amazonaws.com',
        });
        const [, endpointName = ''] = target.ResourceId.split('/');
        if (!contents.endpoints[endpointName]) throw invalid(`There is no endpoint ${endpointName}.`);
        const others = contents.scalableTargets.filter(({ ResourceId }) => ResourceId !== target.ResourceId);
        contents.scalableTargets = [...others, target];
        return { ScalableTargetARN: targetArn };
      }),
      DeregisterScalableTarget: operation(scalable, ({ ResourceId: id }, caller: AwsCaller) => {
        assertAllowed(caller, 'DeregisterScalableTarget');
        caller.assertAllowed('cloudwatch:DeleteAlarms', alarmArn(id));
        this.#assertRegistered(id);
        this.#remove(id);
        return {};
      }),
      PutScalingPolicy: operation(scalingPolicy, (policy, caller: AwsCaller) => {
        assertAllowed(caller, 'PutScalingPolicy');
        caller.assertAllowed('cloudwatch:PutMetricAlarm', alarmArn(policy.ResourceId));
        // Without a name, IAM checks it against all alarms.
        caller.assertAllowed('cloudwatch:DescribeAlarms', arn(place, 'cloudwatch', 'alarm:*'));
        this.#assertRegistered(policy.ResourceId);
        const others = contents.scalingPolicies.filter(
          ({ ResourceId, PolicyName }) =>
            ResourceId !== policy.ResourceId || PolicyName !== policy.PolicyName,
        );
        contents.scalingPolicies = [...others, policy];
        return { PolicyARN: arn(place, 'autoscaling', `scalingPolicy:${policy.PolicyName}`), Alarms: [] };
      }),
    } satisfies Record<string, Handler<AwsCaller>>;
  }
}
