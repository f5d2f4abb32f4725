import byType from './actions-by-type.json' with { type: 'json' };

/** What whoever runs `npm run deploy` and `npm run destroy` must be allowed to do. */

/** The actions by which Terraform's AWS provider creates, reads, changes and deletes a resource, by its type. */
const BY_TYPE: Readonly<Record<string, readonly string[]>> = byType;

/** Of the commands themselves: caller and preflight, first images, rollout, and what `destroy` clears away. */
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

/** `s3: GetObject PutObject` as full names. */
const actionsIn = (text: string): string[] => {
  const [service = '', names = ''] = text.split(': ');
  return names.split(' ').map((name) => `${service}:${name}`);
};

/** Of these, a broader one could give its holder any permission: only for roles and policies with the system's names. */
const isBounded = (action: string): boolean =>
  /^iam:(Create|Delete|Put|Attach|Detach|Update|Pass|Tag|Untag)/.test(action) &&
  action !== 'iam:CreateServiceLinkedRole';

/**
 * The least permissions, as an IAM policy.
 *
 * @param types of the resources in a stack, such as `aws_vpc`
 * @param prefix the configured namePrefix
 * @throws Error that names a type whose actions are not known here
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
