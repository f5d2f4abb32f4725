import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { DefaultSecurityGroup } from '@cdktf/provider-aws/lib/default-security-group/index.js';
import { Eip } from '@cdktf/provider-aws/lib/eip/index.js';
import { FlowLog } from '@cdktf/provider-aws/lib/flow-log/index.js';
import { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
import { NatGateway } from '@cdktf/provider-aws/lib/nat-gateway/index.js';
import { Route, type RouteConfig } from '@cdktf/provider-aws/lib/route/index.js';
import { RouteTable } from '@cdktf/provider-aws/lib/route-table/index.js';
import { RouteTableAssociation } from '@cdktf/provider-aws/lib/route-table-association/index.js';
import { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { VpcEndpoint } from '@cdktf/provider-aws/lib/vpc-endpoint/index.js';
import type { ITerraformDependable } from 'cdktf';
import { Construct } from 'constructs';
import type { Configuration } from '../config/schema.ts';
import { planSubnets } from '../config/subnets.ts';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';

const ANYWHERE = '0.0.0.0/0';

/** Logs every connection that was accepted or rejected in a VPC. */
const logFlows = (scope: Construct, deployment: Deployment, vpc: Vpc): void => {
  const { arns, names, logRetentionDays } = deployment;
  const name = names.flowLogGroup;
  const logs = new CloudwatchLogGroup(scope, 'flow-logs-logs', { name, retentionInDays: logRetentionDays });
  const role = new Role(scope, 'flow-logs-role', {
    deployment,
    name: names.flowLogRole,
    description: `Used by ${names.vpc} to write its flow log`,
    service: 'vpc-flow-logs.amazonaws.com',
  });
  role.grant(
    {
      sid: 'WriteTheLog',
      actions: 'logs:CreateLogStream DescribeLogStreams PutLogEvents',
      resources: [arns.logGroup(name), arns.logStreams(name)],
    },
    { sid: 'FindTheLog', actions: 'logs:DescribeLogGroups', resources: [arns.logGroup('*')] },
  );
  new FlowLog(scope, 'flow-logs', {
    vpcId: vpc.id,
    trafficType: 'ALL',
    logDestination: logs.arn,
    iamRoleArn: role.resource.arn,
    tags: { Name: names.vpc },
    dependsOn: [role.permissions],
  });
};

interface NetworkProps {
  readonly deployment: Deployment;
  readonly settings: Configuration['network'];
  /** Whether every connection in the VPC is logged. @default false */
  readonly flowLogs?: boolean;
}

/**
 * A VPC with a public and a private subnet in every zone. Private subnets reach the internet, but not the reverse.
 *
 * @example
 * const network = new Network(stack, 'network', { deployment, settings: settings.network });
 * network.privateSubnets.length; // => 2
 */
export class Network extends Construct {
  readonly vpc: Vpc;
  /** One per zone, for load balancers and NAT gateways only. */
  readonly publicSubnets: readonly Subnet[];
  /** One per zone, for everything else. */
  readonly privateSubnets: readonly Subnet[];
  /** Routes to the internet. Tasks that start before these exist reach neither the registry nor their log group. */
  readonly egressRoutes: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, { deployment, settings, flowLogs }: NetworkProps) {
    super(scope, id);
    const { names, region } = deployment;
    const { zones, nat } = settings;

    this.vpc = new Vpc(this, 'vpc', {
      cidrBlock: settings.cidr,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: { Name: names.vpc },
    });
    if (flowLogs) logFlows(this, deployment, this.vpc);
    // The default security group allows nothing in and nothing out.
    new DefaultSecurityGroup(this, 'default-security-group', {
      vpcId: this.vpc.id,
      tags: { Name: `${names.vpc}-unused-default` },
    });

    const blocks = planSubnets(settings);
    const subnet = (kind: 'public' | 'private', zone: string, index: number) => {
      const cidrBlock = blocks[kind][index];
      if (cidrBlock === undefined)
        throw new Error(`${this.node.path}: the ${kind} subnet of zone ${zone} has no CIDR block.`);
      return new Subnet(this, `${kind}-${zone}`, {
        vpcId: this.vpc.id,
        cidrBlock,
        availabilityZone: `${region}${zone}`,
        mapPublicIpOnLaunch: false,
        tags: { Name: `${names.vpc}-${kind}-${zone}` },
      });
    };
    const table = (key: string) =>
      new RouteTable(this, `routes-${key}`, { vpcId: this.vpc.id, tags: { Name: `${names.vpc}-${key}` } });
    const associate = (key: string, { id: subnetId }: Subnet, { id: routeTableId }: RouteTable) =>
      new RouteTableAssociation(this, `routes-${key}-subnet`, { subnetId, routeTableId });
    const route = (key: string, { id: routeTableId }: RouteTable, target: Partial<RouteConfig>) =>
      new Route(this, `routes-${key}-default`, { routeTableId, destinationCidrBlock: ANYWHERE, ...target });

    const gateway = new InternetGateway(this, 'internet-gateway', {
      vpcId: this.vpc.id,
      tags: { Name: names.vpc },
    });
    // Public subnets share a table; each private subnet has its own, so that its NAT gateway can be changed separately.
    const open = table('public');
    const outside = route('public', open, { gatewayId: gateway.id });
    let natGateway: NatGateway | undefined;
    const zoned = zones.map((zone, index) => {
      const [outer, inner] = [subnet('public', zone, index), subnet('private', zone, index)];
      if (!natGateway || nat === 'per-zone') {
        const tags = { Name: `${names.vpc}-nat-${zone}` };
        const address = new Eip(this, `nat-address-${zone}`, { domain: 'vpc', tags, dependsOn: [gateway] });
        natGateway = new NatGateway(this, `nat-${zone}`, {
          allocationId: address.id,
          subnetId: outer.id,
          tags,
        });
      }
      const own = table(`private-${zone}`);
      const egressRoutes = [
        associate(`public-${zone}`, outer, open),
        route(`private-${zone}`, own, { natGatewayId: natGateway.id }),
        associate(`private-${zone}`, inner, own),
      ];
      return { outer, inner, own, egressRoutes };
    });
    this.publicSubnets = zoned.map(({ outer }) => outer);
    this.privateSubnets = zoned.map(({ inner }) => inner);
    this.egressRoutes = [outside, ...zoned.flatMap(({ egressRoutes }) => egressRoutes)];
    // Keeps photos, models and image layers off the NAT gateway, which charges per GB.
    new VpcEndpoint(this, 's3-endpoint', {
      vpcId: this.vpc.id,
      serviceName: `com.amazonaws.${region}.s3`,
      vpcEndpointType: 'Gateway',
      routeTableIds: zoned.map(({ own }) => own.id),
      tags: { Name: `${names.vpc}-s3` },
    });
  }
}
