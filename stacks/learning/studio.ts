import { SagemakerDomain } from '@cdktf/provider-aws/lib/sagemaker-domain/index.js';
import { SagemakerUserProfile } from '@cdktf/provider-aws/lib/sagemaker-user-profile/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';
import { FirewallGroup } from '../network/firewall-group.ts';
import type { Network } from '../network/network.ts';
import type { Dataset } from './dataset.ts';
import { studioStatements } from './studio-statements.ts';

export interface StudioProps {
  readonly deployment: Deployment;
  readonly network: Network;
  readonly dataset: Dataset;
}

/** SageMaker Studio for model engineers: a domain inside the network and one user profile. */
export class Studio extends Construct {
  constructor(scope: Construct, id: string, { deployment, network, dataset }: StudioProps) {
    super(scope, id);
    const { config, names } = deployment;
    const role = new Role(this, 'role', {
      deployment,
      name: names.learning.studioRole,
      description: 'Model engineers in SageMaker Studio',
      service: 'sagemaker.amazonaws.com',
    });
    role.grant(dataset.list(), dataset.read(), dataset.write('flowers/', 'flowers-test/', 'pretrained/'));
    role.grant(...studioStatements(deployment));

    const group = new FirewallGroup(this, 'sg', {
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
      // Home directories outlive a deleted domain where deletion is protected.
      retentionPolicy: { homeEfsFileSystem: config.deletionProtection ? 'Retain' : 'Delete' },
      dependsOn: [role.permissions],
    });
    new SagemakerUserProfile(this, 'user-profile', {
      domainId: domain.id,
      userProfileName: names.learning.userProfile,
      userSettings: { executionRole: role.resource.arn },
    });
  }
}
