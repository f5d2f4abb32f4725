/** What whoever runs `npm run deploy` and `npm run destroy` must be allowed to do. */

const BUCKET =
  's3: CreateBucket DeleteBucket ListBucket GetBucket* GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration GetAccelerateConfiguration';
const TOPIC_TAGS = 'sns: ListTagsForResource TagResource UntagResource';
const EC2_TAGS = 'CreateTags DeleteTags';
const RULE = `DescribeSecurityGroupRules ModifySecurityGroupRules ${EC2_TAGS}`;
const LB_TAGS = 'AddTags RemoveTags DescribeTags';
const LOG_DELIVERY = 'logs: CreateLogDelivery DeleteLogDelivery PutResourcePolicy DescribeResourcePolicies';

/** The actions by which Terraform's AWS provider creates, reads, changes and deletes a resource, by its type. */
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  aws_acm_certificate: [
    'acm: RequestCertificate DescribeCertificate DeleteCertificate ListTagsForCertificate AddTagsToCertificate RemoveTagsFromCertificate',
  ],
  aws_acm_certificate_validation: ['acm: DescribeCertificate'],
  aws_appautoscaling_policy: [
    'application-autoscaling: PutScalingPolicy DescribeScalingPolicies DeleteScalingPolicy',
  ],
  aws_appautoscaling_target: [
    'application-autoscaling: RegisterScalableTarget DescribeScalableTargets DeregisterScalableTarget ListTagsForResource TagResource UntagResource',
  ],
  aws_budgets_budget: ['budgets: ModifyBudget ViewBudget ListTagsForResource TagResource UntagResource'],
  aws_cloudwatch_dashboard: ['cloudwatch: PutDashboard GetDashboard DeleteDashboards'],
  aws_cloudwatch_event_rule: [
    'events: PutRule DescribeRule DeleteRule ListTagsForResource TagResource UntagResource',
  ],
  aws_cloudwatch_event_target: ['events: PutTargets ListTargetsByRule RemoveTargets'],
  aws_cloudwatch_log_group: [
    'logs: CreateLogGroup DescribeLogGroups DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey DisassociateKmsKey ListTagsForResource TagResource UntagResource',
  ],
  aws_cloudwatch_log_resource_policy: [
    'logs: PutResourcePolicy DescribeResourcePolicies DeleteResourcePolicy',
  ],
  aws_cloudwatch_metric_alarm: [
    'cloudwatch: PutMetricAlarm DescribeAlarms DeleteAlarms ListTagsForResource TagResource UntagResource',
  ],
  aws_codebuild_project: ['codebuild: CreateProject BatchGetProjects UpdateProject DeleteProject'],
  aws_codecommit_repository: [
    'codecommit: CreateRepository GetRepository UpdateRepositoryDescription UpdateDefaultBranch DeleteRepository ListTagsForResource TagResource UntagResource',
  ],
  aws_codepipeline: [
    'codepipeline: CreatePipeline GetPipeline UpdatePipeline DeletePipeline ListTagsForResource TagResource UntagResource',
    'codeconnections: PassConnection',
    'codestar-connections: PassConnection',
  ],
  aws_default_security_group: [
    `ec2: DescribeSecurityGroups RevokeSecurityGroupIngress RevokeSecurityGroupEgress ${RULE}`,
  ],
  aws_ecr_lifecycle_policy: ['ecr: PutLifecyclePolicy GetLifecyclePolicy DeleteLifecyclePolicy'],
  aws_ecr_repository: [
    'ecr: CreateRepository DescribeRepositories DeleteRepository PutImageScanningConfiguration PutImageTagMutability ListTagsForResource TagResource UntagResource BatchDeleteImage ListImages',
  ],
  aws_ecs_cluster: [
    'ecs: CreateCluster DescribeClusters UpdateCluster UpdateClusterSettings DeleteCluster TagResource UntagResource',
  ],
  aws_ecs_service: [
    'ecs: CreateService DescribeServices UpdateService DeleteService TagResource UntagResource',
  ],
  aws_ecs_task_definition: [
    'ecs: RegisterTaskDefinition DescribeTaskDefinition DeregisterTaskDefinition TagResource',
  ],
  aws_eip: [
    `ec2: AllocateAddress DescribeAddresses DescribeAddressesAttribute ReleaseAddress DisassociateAddress ${EC2_TAGS}`,
  ],
  aws_flow_log: [
    `ec2: CreateFlowLogs DescribeFlowLogs DeleteFlowLogs ${EC2_TAGS}`,
    'logs: CreateLogDelivery DeleteLogDelivery',
  ],
  aws_iam_policy: [
    'iam: CreatePolicy GetPolicy GetPolicyVersion ListPolicyVersions CreatePolicyVersion DeletePolicyVersion DeletePolicy TagPolicy UntagPolicy',
  ],
  aws_iam_role: [
    'iam: CreateRole GetRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy DeleteRole PassRole ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole TagRole UntagRole',
  ],
  aws_iam_role_policy: ['iam: PutRolePolicy GetRolePolicy DeleteRolePolicy'],
  aws_iam_role_policy_attachment: ['iam: AttachRolePolicy ListAttachedRolePolicies DetachRolePolicy'],
  aws_internet_gateway: [
    `ec2: CreateInternetGateway AttachInternetGateway DescribeInternetGateways DetachInternetGateway DeleteInternetGateway ${EC2_TAGS}`,
  ],
  aws_kms_alias: ['kms: CreateAlias ListAliases UpdateAlias DeleteAlias'],
  aws_kms_key: [
    'kms: CreateKey DescribeKey GetKeyPolicy PutKeyPolicy GetKeyRotationStatus EnableKeyRotation DisableKeyRotation UpdateKeyDescription ScheduleKeyDeletion ListResourceTags TagResource UntagResource CreateGrant Decrypt GenerateDataKey',
  ],
  aws_lb: [
    `elasticloadbalancing: CreateLoadBalancer DescribeLoadBalancers DescribeLoadBalancerAttributes DescribeCapacityReservation ModifyLoadBalancerAttributes SetSecurityGroups SetSubnets DeleteLoadBalancer ${LB_TAGS}`,
    'ec2: DescribeNetworkInterfaces',
  ],
  aws_lb_listener: [
    `elasticloadbalancing: CreateListener DescribeListeners DescribeListenerAttributes ModifyListener ModifyListenerAttributes DeleteListener ${LB_TAGS}`,
  ],
  aws_lb_target_group: [
    `elasticloadbalancing: CreateTargetGroup DescribeTargetGroups DescribeTargetGroupAttributes ModifyTargetGroup ModifyTargetGroupAttributes DeleteTargetGroup ${LB_TAGS}`,
  ],
  aws_nat_gateway: [`ec2: CreateNatGateway DescribeNatGateways DeleteNatGateway ${EC2_TAGS}`],
  aws_route: ['ec2: CreateRoute ReplaceRoute DeleteRoute DescribeRouteTables'],
  aws_route53_record: ['route53: ChangeResourceRecordSets ListResourceRecordSets GetHostedZone GetChange'],
  aws_route_table: [`ec2: CreateRouteTable DescribeRouteTables DeleteRouteTable ${EC2_TAGS}`],
  aws_route_table_association: [
    'ec2: AssociateRouteTable ReplaceRouteTableAssociation DisassociateRouteTable DescribeRouteTables',
  ],
  aws_s3_bucket: [BUCKET, 's3: PutBucketTagging DeleteObject DeleteObjectVersion ListBucketVersions'],
  aws_s3_bucket_lifecycle_configuration: ['s3: PutLifecycleConfiguration GetLifecycleConfiguration'],
  aws_s3_bucket_logging: ['s3: PutBucketLogging GetBucketLogging'],
  aws_s3_bucket_ownership_controls: ['s3: PutBucketOwnershipControls GetBucketOwnershipControls'],
  aws_s3_bucket_policy: ['s3: PutBucketPolicy GetBucketPolicy DeleteBucketPolicy'],
  aws_s3_bucket_public_access_block: ['s3: PutBucketPublicAccessBlock GetBucketPublicAccessBlock'],
  aws_s3_bucket_server_side_encryption_configuration: [
    's3: PutEncryptionConfiguration GetEncryptionConfiguration',
  ],
  aws_s3_bucket_versioning: ['s3: PutBucketVersioning GetBucketVersioning'],
  aws_s3_object: ['s3: PutObject GetObject GetObjectTagging PutObjectTagging DeleteObject'],
  aws_sagemaker_domain: [
    'sagemaker: CreateDomain DescribeDomain UpdateDomain DeleteDomain ListTags AddTags DeleteTags',
  ],
  aws_sagemaker_model_package_group: [
    'sagemaker: CreateModelPackageGroup DescribeModelPackageGroup DeleteModelPackageGroup ListTags AddTags DeleteTags',
  ],
  aws_sagemaker_pipeline: [
    'sagemaker: CreatePipeline DescribePipeline UpdatePipeline DeletePipeline ListTags AddTags DeleteTags',
  ],
  aws_sagemaker_user_profile: [
    'sagemaker: CreateUserProfile DescribeUserProfile UpdateUserProfile DeleteUserProfile ListTags AddTags DeleteTags',
  ],
  aws_security_group: [
    `ec2: CreateSecurityGroup DescribeSecurityGroups DeleteSecurityGroup RevokeSecurityGroupEgress DescribeNetworkInterfaces ${EC2_TAGS}`,
  ],
  aws_sns_topic: ['sns: CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic', TOPIC_TAGS],
  aws_sns_topic_policy: ['sns: SetTopicAttributes GetTopicAttributes'],
  aws_sns_topic_subscription: ['sns: Subscribe GetSubscriptionAttributes Unsubscribe'],
  aws_subnet: [
    `ec2: CreateSubnet DescribeSubnets ModifySubnetAttribute DeleteSubnet DescribeNetworkInterfaces ${EC2_TAGS}`,
  ],
  aws_vpc: [
    `ec2: CreateVpc DescribeVpcs DescribeVpcAttribute ModifyVpcAttribute DeleteVpc DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroups ${EC2_TAGS}`,
  ],
  aws_vpc_endpoint: [
    `ec2: CreateVpcEndpoint DescribeVpcEndpoints DescribePrefixLists ModifyVpcEndpoint DeleteVpcEndpoints ${EC2_TAGS}`,
  ],
  aws_vpc_security_group_egress_rule: [`ec2: AuthorizeSecurityGroupEgress RevokeSecurityGroupEgress ${RULE}`],
  aws_vpc_security_group_ingress_rule: [
    `ec2: AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress ${RULE}`,
  ],
  aws_wafv2_web_acl: [
    'wafv2: CreateWebACL GetWebACL UpdateWebACL DeleteWebACL ListTagsForResource TagResource UntagResource',
  ],
  aws_wafv2_web_acl_association: [
    'wafv2: AssociateWebACL DisassociateWebACL GetWebACLForResource GetWebACL',
    'elasticloadbalancing: SetWebAcl',
  ],
  aws_wafv2_web_acl_logging_configuration: [
    'wafv2: PutLoggingConfiguration GetLoggingConfiguration DeleteLoggingConfiguration',
    LOG_DELIVERY,
  ],
};

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
