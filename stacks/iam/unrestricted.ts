const LISTED_BY_STUDIO = 'Studio lists what there is in the account before it opens any of it';

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
  'sagemaker:ListApps': LISTED_BY_STUDIO,
  'sagemaker:ListDomains': LISTED_BY_STUDIO,
  'sagemaker:ListEndpointConfigs': 'AWS knows no resource for it',
  'sagemaker:ListModelPackageGroups': LISTED_BY_STUDIO,
  'sagemaker:ListModelPackages': LISTED_BY_STUDIO,
  'sagemaker:ListPipelines': LISTED_BY_STUDIO,
  'sagemaker:ListSpaces': LISTED_BY_STUDIO,
  'sagemaker:ListUserProfiles': LISTED_BY_STUDIO,
};
