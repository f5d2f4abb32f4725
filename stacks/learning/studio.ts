import { SagemakerDomain } from '@cdktf/provider-aws/lib/sagemaker-domain/index.js';
import { SagemakerUserProfile } from '@cdktf/provider-aws/lib/sagemaker-user-profile/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { PolicyStatement } from '../iam/policy.ts';
import { Role } from '../iam/role.ts';
import type { Network } from '../network/network.ts';
import { SecurityGroup } from '../network/security-group.ts';
import type { DatasetBucket } from '../storage/bucket.ts';
import { grantLogsAndMetrics } from './roles.ts';

/** Permissions of a model engineer in Studio: work in a space, start the three pipelines, and read their results. */
const studioStatements = (deployment: Deployment): readonly PolicyStatement[] => {
  const { arns, names } = deployment;
  const { modelPackageGroup, pipelines } = names.learning;
  const ours = Object.values(pipelines).flatMap(arns.sagemakerPipelines);
  const inTheDomain = (kind: string) => arns.sagemaker(kind, '*');
  return [
    {
      sid: 'WorkInASpace',
      actions: `sagemaker:CreateApp CreatePresignedDomainUrl CreateSpace DeleteApp DeleteSpace DescribeApp
        DescribeDomain DescribeSpace DescribeUserProfile UpdateSpace`,
      resources: ['app', 'domain', 'space', 'user-profile'].map(inTheDomain),
    },
    {
      sid: 'ListResources',
      actions: `sagemaker:ListApps ListDomains ListModelPackageGroups ListModelPackages ListPipelines
        ListSpaces ListUserProfiles`,
      resources: ['*'],
    },
    {
      // Studio tags everything it creates, and fails without permission. Source: "Provide permissions for tagging",
      // SageMaker guide.
      sid: 'TagWhatStudioMakes',
      actions: 'sagemaker:AddTags',
      resources: ['app', 'space'].map(inTheDomain),
      conditions: { Null: { 'sagemaker:TaggingAction': 'false' } },
    },
    {
      sid: 'RunThePipelines',
      actions: `sagemaker:DescribePipeline DescribePipelineDefinitionForExecution DescribePipelineExecution
        ListPipelineExecutionSteps ListPipelineExecutions ListPipelineParametersForExecution
        RetryPipelineExecution StartPipelineExecution StopPipelineExecution`,
      resources: [...ours, ...ours.map((arn) => `${arn}/execution/*`)],
    },
    {
      sid: 'ReadTheResults',
      actions: `sagemaker:DescribeModelPackage DescribeModelPackageGroup DescribeProcessingJob
        DescribeTrainingJob`,
      resources: [
        arns.sagemaker('model-package-group', modelPackageGroup),
        arns.sagemaker('model-package', `${modelPackageGroup}/*`),
        arns.sagemaker('processing-job', '*'),
        arns.sagemaker('training-job', '*'),
      ],
    },
    {
      sid: 'TryTheModel',
      actions: 'sagemaker:DescribeEndpoint InvokeEndpoint',
      resources: [arns.sagemaker('endpoint', names.learning.endpoint)],
    },
  ];
};

interface StudioProps {
  readonly deployment: Deployment;
  readonly network: Network;
  readonly dataset: DatasetBucket;
}

/** SageMaker Studio for model engineers: a domain inside the network and one user profile. */
export class Studio extends Construct {
  constructor(scope: Construct, id: string, props: StudioProps) {
    super(scope, id);
    const { deployment, network, dataset } = props;
    const { names } = deployment;
    const role = new Role(this, 'role', {
      deployment,
      name: names.learning.studioRole,
      description: 'Model engineers in SageMaker Studio',
      service: 'sagemaker.amazonaws.com',
    });
    dataset.grantReadWrite(role, 'flowers/', 'flowers-test/', 'pretrained/');
    grantLogsAndMetrics(role, deployment);
    role.grant(...studioStatements(deployment));

    const group = new SecurityGroup(this, 'sg', {
      vpc: network.vpc,
      name: names.own('sagemaker-studio-sg'),
      description: 'Applications of SageMaker Studio',
    });
    group.allowHttpsOut();
    // Between a notebook and its kernels. Source: "Connect Studio in a VPC to external resources", SageMaker guide.
    group.allowAmongMembers(8192, 65_535);

    const domain = new SagemakerDomain(this, 'domain', {
      domainName: names.learning.studio,
      authMode: 'IAM',
      vpcId: network.vpc.id,
      subnetIds: network.privateSubnets.map((subnet) => subnet.id),
      appNetworkAccessType: 'VpcOnly',
      defaultUserSettings: {
        executionRole: role.resource.arn,
        securityGroups: [group.group.id],
      },
      // With deletion protection, home directories outlive a deleted domain.
      retentionPolicy: { homeEfsFileSystem: deployment.deletionProtection ? 'Retain' : 'Delete' },
      dependsOn: [role.permissions],
    });
    new SagemakerUserProfile(this, 'user-profile', {
      domainId: domain.id,
      userProfileName: names.learning.userProfile,
      userSettings: { executionRole: role.resource.arn },
    });
  }
}
