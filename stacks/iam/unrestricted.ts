/** The only actions that are granted on every resource, and why AWS leaves no other way. */
export const UNRESTRICTED: Readonly<Record<string, string>> = {
  'application-autoscaling:DescribeScalableTargets': 'AWS knows no resource for it',
  'application-autoscaling:DescribeScalingPolicies': 'AWS knows no resource for it',
  'cloudwatch:PutMetricData':
    'AWS knows no resource for it; a condition limits it to the namespaces of SageMaker',
  'ecr:GetAuthorizationToken':
    'the token is for all registries; what may be pulled or pushed is granted by name',
  'ecs:DescribeTaskDefinition': 'AWS knows no resource for it',
  'ecs:ListTasks': 'its resource is a machine, and Fargate shows none; a condition limits it to the cluster',
  'sagemaker:ListEndpointConfigs': 'AWS knows no resource for it',
};
