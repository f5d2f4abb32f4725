import { z } from 'zod';
import { alarmArn, configArn, endpointArn, modelArn, SCALABLE_TARGET_ARN, SCALING_ROLE_ARN } from './arns.ts';
import type { Deed } from './rights.ts';

/** What each operation does, as IAM sees it. Source: "Actions, resources, and condition keys", IAM's reference. */

const input = z.looseObject({
  EndpointName: z.string().optional(),
  EndpointConfigName: z.string().optional(),
  ModelName: z.string().optional(),
  ResourceArn: z.string().optional(),
  ResourceId: z.string().optional(),
  Tags: z.array(z.unknown()).optional(),
  ProductionVariants: z.array(z.looseObject({ ModelName: z.string() })).default([]),
  DeploymentConfig: z
    .looseObject({
      AutoRollbackConfiguration: z
        .looseObject({ Alarms: z.array(z.object({ AlarmName: z.string() })) })
        .optional(),
    })
    .optional(),
});
type Input = z.infer<typeof input>;

const endpoint = ({ EndpointName }: Input): string => endpointArn(EndpointName ?? '');
const config = ({ EndpointConfigName }: Input): string => configArn(EndpointConfigName ?? '');
const model = ({ ModelName }: Input): string => modelArn(ModelName ?? '');

const sagemaker = (action: string, resource: string): Deed => ({ action: `sagemaker:${action}`, resource });
const scaling = (action: string, resource = SCALABLE_TARGET_ARN): Deed => ({
  action: `application-autoscaling:${action}`,
  resource,
  context: { 'application-autoscaling:service-namespace': 'sagemaker' },
});
const alarm = (action: string, name: string): Deed => ({
  action: `cloudwatch:${action}`,
  resource: alarmArn(name),
});
const scalingAlarm = ({ ResourceId }: Input): string => `TargetTracking-${ResourceId}-AlarmHigh-1`;

const rollbackAlarms = ({ DeploymentConfig }: Input): string[] =>
  (DeploymentConfig?.AutoRollbackConfiguration?.Alarms ?? []).map(({ AlarmName }) => AlarmName);

const OPERATIONS = {
  CreateModel: (i) => [sagemaker('CreateModel', model(i))],
  DescribeModel: (i) => [sagemaker('DescribeModel', model(i))],
  CreateEndpointConfig: (i) => [
    sagemaker('CreateEndpointConfig', config(i)),
    ...i.ProductionVariants.map((each) => sagemaker('CreateEndpointConfig', modelArn(each.ModelName))),
  ],
  DescribeEndpointConfig: (i) => [sagemaker('DescribeEndpointConfig', config(i))],
  ListEndpointConfigs: () => [sagemaker('ListEndpointConfigs', '*')],
  DeleteEndpointConfig: (i) => [sagemaker('DeleteEndpointConfig', config(i))],
  CreateEndpoint: (i) => [
    sagemaker('CreateEndpoint', endpoint(i)),
    sagemaker('CreateEndpoint', config(i)),
    ...(i.Tags ? [sagemaker('AddTags', endpoint(i))] : []),
  ],
  UpdateEndpoint: (i) => [
    sagemaker('UpdateEndpoint', endpoint(i)),
    sagemaker('UpdateEndpoint', config(i)),
    ...rollbackAlarms(i).map((name) => alarm('DescribeAlarms', name)),
  ],
  DescribeEndpoint: (i) => [sagemaker('DescribeEndpoint', endpoint(i))],
  DeleteEndpoint: (i) => [sagemaker('DeleteEndpoint', endpoint(i))],
  AddTags: (i) => [sagemaker('AddTags', i.ResourceArn ?? '')],
  ListTags: (i) => [sagemaker('ListTags', i.ResourceArn ?? '')],
  InvokeEndpoint: (i) => [sagemaker('InvokeEndpoint', endpoint(i))],
  RegisterScalableTarget: () => [
    scaling('RegisterScalableTarget'),
    {
      action: 'iam:CreateServiceLinkedRole',
      resource: SCALING_ROLE_ARN,
      context: { 'iam:AWSServiceName': 'sagemaker.application-autoscaling.amazonaws.com' },
    },
  ],
  DeregisterScalableTarget: (i) => [
    scaling('DeregisterScalableTarget'),
    alarm('DeleteAlarms', scalingAlarm(i)),
  ],
  PutScalingPolicy: (i) => [
    scaling('PutScalingPolicy'),
    alarm('PutMetricAlarm', scalingAlarm(i)),
    // Without a name, IAM checks it against all alarms.
    alarm('DescribeAlarms', '*'),
  ],
  DeleteScalingPolicy: (i) => [scaling('DeleteScalingPolicy'), alarm('DeleteAlarms', scalingAlarm(i))],
  DescribeScalableTargets: () => [scaling('DescribeScalableTargets', '*')],
  DescribeScalingPolicies: () => [scaling('DescribeScalingPolicies', '*')],
} satisfies Record<string, (i: Input) => Deed[]>;

export type Operation = keyof typeof OPERATIONS;

export const isOperation = (name: string): name is Operation => name in OPERATIONS;

/** Whether it changes anything. */
export const isChange = (operation: Operation): boolean => !/^(Describe|List|Invoke)/.test(operation);

export const deedsOf = (operation: Operation, request: unknown): Deed[] =>
  OPERATIONS[operation](input.parse(request));
