import byType from './actions-by-type.json' with { type: 'json' };

/** The permissions that `npm run deploy` and `npm run destroy` need. */

/** The actions with which Terraform's AWS provider manages a resource, by its type. */
const BY_TYPE: Readonly<Record<string, readonly string[]>> = byType;

/** Actions of the commands themselves: caller and preflight, first images, rollout, and the clean-up of `destroy`. */
const OF_COMMANDS = [
  'sts: GetCallerIdentity',
  'iam: GetRole SimulatePrincipalPolicy CreateServiceLinkedRole',
  'servicequotas: ListServiceQuotas ListAWSDefaultServiceQuotas',
  'ec2: DescribeAvailabilityZones DescribeSecurityGroups DeleteSecurityGroup RevokeSecurityGroupIngress RevokeSecurityGroupEgress',
  'ecr: DescribeImages',
  'codebuild: StartBuild BatchGetBuilds ListBuildsForProject',
  's3: ListBucket GetObject PutObject DeleteObject',
  'ecs: ListTasks DescribeTasks',
  'sagemaker: DescribeEndpoint DeleteEndpoint ListEndpointConfigs DescribeEndpointConfig DeleteEndpointConfig DescribeModel DeleteModel ListModelPackages DeleteModelPackage ListApps DeleteApp ListSpaces DeleteSpace',
];

/** Expands `s3: GetObject PutObject` to full names. */
const actionsIn = (text: string): string[] => {
  const [service = '', names = ''] = text.split(': ');
  return names.split(' ').map((name) => `${service}:${name}`);
};

/** Actions that could grant any permission: limited to roles and policies with the system's names. */
const isBounded = (action: string): boolean =>
  /^iam:(Create|Delete|Put|Attach|Detach|Update|Pass|Tag|Untag)/.test(action) &&
  action !== 'iam:CreateServiceLinkedRole';

/**
 * The minimal permissions, as an IAM policy.
 *
 * @param types resource types in the stack, such as `aws_vpc`
 * @param prefix the configured namePrefix
 * @throws Error that names a type whose actions are unknown
 */
export const deployerPolicy = (types: readonly string[], prefix: string) => {
  const ofTypes = types.flatMap((type) => {
    const actions = BY_TYPE[type];
    if (!actions) throw new Error(`scripts/deploy/deployer-policy.ts does not know the actions of ${type}.`);
    return actions;
  });
  const all = [...new Set([...ofTypes, ...OF_COMMANDS].flatMap(actionsIn))].sort();
  const arn = (kind: string, name: string) => `arn:aws:iam::*:${kind}/${name}`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'CreateReadChangeAndDelete',
        Effect: 'Allow',
        Action: all.filter((action) => !isBounded(action)),
        Resource: '*',
      },
      {
        Sid: 'OnlyRolesAndPoliciesOfTheSystem',
        Effect: 'Allow',
        Action: all.filter(isBounded),
        Resource: [
          arn('role', `${prefix}-*`),
          arn('role', 'ecsWeb*'),
          arn('role', 'ecsWas*'),
          arn('policy', 'InvokeSageMakerEndpoint*'),
        ],
      },
    ],
  };
};
