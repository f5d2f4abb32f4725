import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';

const SERVICE_LINKED =
  'role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint';

/** What the DeployEndpoint job may do: everything about the one endpoint, and nothing about another. */
export const deployStatements = ({ arns, config, names }: Deployment): readonly Statement[] => {
  const { endpoint } = names.learning;
  const configs = arns.sagemaker('endpoint-config', `${endpoint}-*`);
  return [
    {
      sid: 'ChangeTheEndpoint',
      actions: [
        'sagemaker:AddTags',
        'sagemaker:CreateEndpoint',
        // One that failed can only be deleted and made anew.
        'sagemaker:DeleteEndpoint',
        'sagemaker:DescribeEndpoint',
        'sagemaker:InvokeEndpoint',
        'sagemaker:ListTags',
        'sagemaker:UpdateEndpoint',
        'sagemaker:UpdateEndpointWeightsAndCapacities',
      ],
      resources: [arns.sagemaker('endpoint', endpoint)],
    },
    {
      // CreateEndpoint and UpdateEndpoint are checked against the endpoint's configuration too.
      sid: 'ChangeItsConfiguration',
      actions: [
        'sagemaker:CreateEndpoint',
        'sagemaker:CreateEndpointConfig',
        'sagemaker:DeleteEndpointConfig',
        'sagemaker:DescribeEndpointConfig',
        'sagemaker:UpdateEndpoint',
      ],
      resources: [configs],
    },
    {
      // CreateEndpointConfig is checked against the model too.
      sid: 'ServeModels',
      actions: ['sagemaker:CreateEndpointConfig'],
      resources: [arns.sagemaker('model', '*')],
    },
    { sid: 'FindOldConfigurations', actions: ['sagemaker:ListEndpointConfigs'], resources: ['*'] },
    {
      sid: 'ScaleTheEndpoint',
      actions: [
        'application-autoscaling:DeregisterScalableTarget',
        'application-autoscaling:PutScalingPolicy',
        'application-autoscaling:RegisterScalableTarget',
      ],
      resources: [arns.scalableTargets],
      conditions: { StringEquals: { 'application-autoscaling:service-namespace': 'sagemaker' } },
    },
    {
      sid: 'FindItsScaling',
      actions: [
        'application-autoscaling:DescribeScalableTargets',
        'application-autoscaling:DescribeScalingPolicies',
      ],
      resources: ['*'],
    },
    {
      sid: 'AlarmsOfItsScaling',
      actions: ['cloudwatch:DeleteAlarms', 'cloudwatch:PutMetricAlarm'],
      resources: [arns.alarm(`TargetTracking-endpoint/${endpoint}/*`)],
    },
    {
      // Those that take a model back by name; autoscaling looks for its own among all of them, as its managed policy
      // AWSApplicationAutoscalingSageMakerEndpointPolicy shows.
      sid: 'FindAlarms',
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [arns.alarm('*')],
    },
    {
      sid: 'FirstScalingInTheAccount',
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [`arn:aws:iam::${config.account}:${SERVICE_LINKED}`],
      conditions: {
        StringEquals: { 'iam:AWSServiceName': 'sagemaker.application-autoscaling.amazonaws.com' },
      },
    },
  ];
};
