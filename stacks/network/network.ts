import { DefaultSecurityGroup } from '@cdktf/provider-aws/lib/default-security-group/index.js';
import { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
import { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { VpcEndpoint } from '@cdktf/provider-aws/lib/vpc-endpoint/index.js';
import { Construct } from 'constructs';
import { planSubnets } from '../config/subnets.ts';
import type { Deployment } from '../deployment.ts';
import { NatGateways } from './nat-gateways.ts';
import { Routes } from './routes.ts';

export interface NetworkProps {
  readonly deployment: Deployment;
}

/** A VPC with a public and a private subnet in every zone; what is private reaches the internet, never the reverse. */
export class Network extends Construct {
  readonly vpc: Vpc;
  /** One per zone, for load balancers and NAT gateways only. */
  readonly publicSubnets: readonly Subnet[];
  /** One per zone, for everything else. */
  readonly privateSubnets: readonly Subnet[];

  constructor(scope: Construct, id: string, { deployment }: NetworkProps) {
    super(scope, id);
    const { config, names } = deployment;
    const { zones, nat } = config.network;

    this.vpc = new Vpc(this, 'vpc', {
      cidrBlock: config.network.cidr,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: { Name: names.vpc },
    });
    // The group that AWS gives to whatever names none: it lets nothing in and nothing out.
    new DefaultSecurityGroup(this, 'default-security-group', {
      vpcId: this.vpc.id,
      tags: { Name: `${names.vpc}-unused-default` },
    });

    const blocks = planSubnets(config.network);
    const subnets = (kind: 'public' | 'private') =>
      zones.map(
        (zone, index) =>
          new Subnet(this, `${kind}-${zone}`, {
            vpcId: this.vpc.id,
            cidrBlock: blocks[kind][index] ?? '',
            availabilityZone: `${config.region}${zone}`,
            mapPublicIpOnLaunch: false,
            tags: { Name: `${names.vpc}-${kind}-${zone}` },
          }),
      );
    this.publicSubnets = subnets('public');
    this.privateSubnets = subnets('private');

    const gateway = new InternetGateway(this, 'internet-gateway', {
      vpcId: this.vpc.id,
      tags: { Name: names.vpc },
    });
    const natGateways = new NatGateways(this, 'nat', {
      subnets: this.publicSubnets,
      zones: nat === 'one' ? zones.slice(0, 1) : zones,
      gateway,
      name: names.vpc,
    });
    const routes = new Routes(this, 'routes', {
      vpc: this.vpc,
      name: names.vpc,
      zones,
      publicSubnets: this.publicSubnets,
      privateSubnets: this.privateSubnets,
      gateway,
      natGateways,
    });
    // Photos, models and image layers go to S3 without passing, and paying for, a NAT gateway.
    new VpcEndpoint(this, 's3-endpoint', {
      vpcId: this.vpc.id,
      serviceName: `com.amazonaws.${config.region}.s3`,
      vpcEndpointType: 'Gateway',
      routeTableIds: routes.privateTables.map((table) => table.id),
      tags: { Name: `${names.vpc}-s3` },
    });
  }
}
