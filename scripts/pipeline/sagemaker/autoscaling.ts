import { z } from 'zod';
import { localArn } from '../storage/arn.ts';
import { AwsError } from './errors.ts';
import { type Operation, operation } from './operations.ts';
import { nowInSeconds, type SageMakerState, scalableTarget, scalingPolicy } from './state.ts';

const which = scalableTarget.pick({ ResourceId: true });

/** Application Auto Scaling, which here only remembers: there are no machines to start. */
export const autoscalingOperations = (state: SageMakerState): Record<string, Operation> => {
  const { contents } = state;
  const isRegistered = (resource: string) =>
    contents.scalableTargets.some(({ ResourceId }) => ResourceId === resource);
  const requireTarget = (resource: string) => {
    if (!isRegistered(resource))
      throw new AwsError('ObjectNotFoundException', `No scalable target found for resource ID: ${resource}.`);
  };
  return {
    RegisterScalableTarget: operation(scalableTarget, async (target) => {
      const others = contents.scalableTargets.filter(({ ResourceId }) => ResourceId !== target.ResourceId);
      contents.scalableTargets = [...others, target];
      await state.save();
      return { ScalableTargetARN: localArn(`scalable-target/${target.ResourceId}`) };
    }),
    DeregisterScalableTarget: operation(which, async ({ ResourceId: resource }) => {
      requireTarget(resource);
      contents.scalableTargets = contents.scalableTargets.filter(({ ResourceId }) => ResourceId !== resource);
      contents.scalingPolicies = contents.scalingPolicies.filter(({ ResourceId }) => ResourceId !== resource);
      await state.save();
      return {};
    }),
    DescribeScalableTargets: operation(z.object({ ResourceIds: z.array(z.string()) }), ({ ResourceIds }) => ({
      ScalableTargets: contents.scalableTargets
        .filter(({ ResourceId }) => ResourceIds.includes(ResourceId))
        .map((target) => ({ ...target, CreationTime: nowInSeconds() })),
    })),
    PutScalingPolicy: operation(scalingPolicy, async (policy) => {
      requireTarget(policy.ResourceId);
      const others = contents.scalingPolicies.filter(
        ({ ResourceId, PolicyName }) => ResourceId !== policy.ResourceId || PolicyName !== policy.PolicyName,
      );
      contents.scalingPolicies = [...others, policy];
      await state.save();
      return { PolicyARN: localArn(`scaling-policy/${policy.PolicyName}`), Alarms: [] };
    }),
    DescribeScalingPolicies: operation(which, ({ ResourceId: resource }) => ({
      ScalingPolicies: contents.scalingPolicies
        .filter(({ ResourceId }) => ResourceId === resource)
        .map((policy) => ({ ...policy, CreationTime: nowInSeconds() })),
    })),
  };
};
