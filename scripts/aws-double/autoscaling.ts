import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import { type AwsCaller, AwsError, arn, type Handler, invalid, operation, type Place } from './protocol.ts';
import { type AwsState, scalable, scalableTarget, scalingPolicy } from './state.ts';

const variantId = (endpointName: string) => `endpoint/${endpointName}/variant/${ENDPOINT_VARIANT}`;

/** Application Auto Scaling for endpoints. Only stores what it is given: there are no instances to start. */
export const createAutoscaling = ({ contents }: AwsState, place: Place) => {
  const targetArn = arn(place, 'application-autoscaling', 'scalable-target/0ec5');
  const serviceRole = `arn:aws:iam::${place.account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`;
  const alarmArn = (id: string) => arn(place, 'cloudwatch', `alarm:TargetTracking-${id}-AlarmHigh-1`);
  const assertAllowed = (caller: AwsCaller, action: string) =>
    caller.assertAllowed(`application-autoscaling:${action}`, targetArn, {
      'application-autoscaling:service-namespace': 'sagemaker',
    });
  const findTarget = (id: string) => contents.scalableTargets.find(({ ResourceId }) => ResourceId === id);
  const assertRegistered = (id: string): void => {
    if (!findTarget(id))
      throw new AwsError(
        'ObjectNotFoundException',
        `No scalable target found for service namespace: sagemaker, resource ID: ${id}.`,
      );
  };
  const remove = (id: string): void => {
    contents.scalableTargets = contents.scalableTargets.filter(({ ResourceId }) => ResourceId !== id);
    contents.scalingPolicies = contents.scalingPolicies.filter(({ ResourceId }) => ResourceId !== id);
  };
  const operations = {
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
    DeregisterScalableTarget: operation(scalable, ({ ResourceId }, caller: AwsCaller) => {
      assertAllowed(caller, 'DeregisterScalableTarget');
      caller.assertAllowed('cloudwatch:DeleteAlarms', alarmArn(ResourceId));
      assertRegistered(ResourceId);
      remove(ResourceId);
      return {};
    }),
    PutScalingPolicy: operation(scalingPolicy, (policy, caller: AwsCaller) => {
      const { ResourceId, PolicyName } = policy;
      assertAllowed(caller, 'PutScalingPolicy');
      caller.assertAllowed('cloudwatch:PutMetricAlarm', alarmArn(ResourceId));
      // The call names no alarm, so IAM checks it against all of them.
      caller.assertAllowed('cloudwatch:DescribeAlarms', arn(place, 'cloudwatch', 'alarm:*'));
      assertRegistered(ResourceId);
      const others = contents.scalingPolicies.filter(
        (other) => other.ResourceId !== ResourceId || other.PolicyName !== PolicyName,
      );
      contents.scalingPolicies = [...others, policy];
      return { PolicyARN: arn(place, 'autoscaling', `scalingPolicy:${PolicyName}`), Alarms: [] };
    }),
  } satisfies Record<string, Handler<AwsCaller>>;
  return {
    operations,
    /** An endpoint's bounds and policy names; `undefined` if it does not scale. */
    find: (endpointName: string) => {
      const id = variantId(endpointName);
      const found = findTarget(id);
      if (!found) return undefined;
      const policies = contents.scalingPolicies
        .filter(({ ResourceId }) => ResourceId === id)
        .map(({ PolicyName }) => PolicyName);
      return { min: found.MinCapacity, max: found.MaxCapacity, policies };
    },
    remove: (endpointName: string) => remove(variantId(endpointName)),
  };
};
