import { AppautoscalingPolicy } from '@cdktf/provider-aws/lib/appautoscaling-policy/index.js';
import { AppautoscalingTarget } from '@cdktf/provider-aws/lib/appautoscaling-target/index.js';
import type { EcsService } from '@cdktf/provider-aws/lib/ecs-service/index.js';
import { Construct } from 'constructs';

const CPU_PERCENT = 70;
const COOLDOWN_SECONDS = 300;

export interface CpuScalingProps {
  readonly clusterName: string;
  readonly service: EcsService;
  readonly policyName: string;
  readonly minTasks: number;
  readonly maxTasks: number;
}

/** Keeps the average CPU of a service's tasks near 70 % by their number. */
export class CpuScaling extends Construct {
  constructor(scope: Construct, id: string, props: CpuScalingProps) {
    super(scope, id);
    const target = new AppautoscalingTarget(this, 'target', {
      serviceNamespace: 'ecs',
      resourceId: `service/${props.clusterName}/${props.service.name}`,
      scalableDimension: 'ecs:service:DesiredCount',
      minCapacity: props.minTasks,
      maxCapacity: props.maxTasks,
    });
    new AppautoscalingPolicy(this, 'policy', {
      name: props.policyName,
      policyType: 'TargetTrackingScaling',
      serviceNamespace: target.serviceNamespace,
      resourceId: target.resourceId,
      scalableDimension: target.scalableDimension,
      targetTrackingScalingPolicyConfiguration: {
        targetValue: CPU_PERCENT,
        scaleInCooldown: COOLDOWN_SECONDS,
        scaleOutCooldown: COOLDOWN_SECONDS,
        predefinedMetricSpecification: { predefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      },
    });
  }
}
