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

interface NatGatewaysProps {
  /** Public subnets, one per zone of the network. */
  readonly subnets: readonly Subnet[];
  /** Zones that get a gateway; the others use the first one's. */
  readonly zones: readonly string[];
  readonly gateway: InternetGateway;
  readonly name: string;
}

/** The way out of the private subnets; each gateway has a public address of its own. */
class NatGateways extends Construct {
  readonly #gateways: readonly NatGateway[];

  constructor(scope: Construct, id: string, { subnets, zones, gateway, name }: NatGatewaysProps) {
    super(scope, id);
    this.#gateways = zones.flatMap((zone, index) => {
      const subnet = subnets[index];
      if (!subnet) return [];
      const tags = { Name: `${name}-nat-${zone}` };
      const address = new Eip(this, `address-${zone}`, { domain: 'vpc', tags, dependsOn: [gateway] });
      return [new NatGateway(this, zone, { allocationId: address.id, subnetId: subnet.id, tags })];
    });
  }

  /** The gateway of the zone at this index: its own, or the only one. */
  forZone(index: number): NatGateway {
    const gateway = this.#gateways[index] ?? this.#gateways[0];
    if (!gateway) throw new Error(`${this.node.path}: there are no public subnets to put a NAT gateway in.`);
    return gateway;
  }
}

const ANYWHERE = '0.0.0.0/0';

interface RoutesProps {
  readonly network: Pick<Network, 'vpc' | 'publicSubnets' | 'privateSubnets'>;
  readonly name: string;
  readonly zones: readonly string[];
  readonly gateway: InternetGateway;
  readonly natGateways: NatGateways;
}

/** Public subnets share one table; every private subnet has its own, so that its NAT gateway can change alone. */
class Routes extends Construct {
  readonly privateTables: readonly RouteTable[];
  /** All that a private subnet needs to reach the internet. */
  readonly waysOut: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: RoutesProps) {
    super(scope, id);
    const { network, name, zones, gateway, natGateways } = props;
    const { vpc, publicSubnets, privateSubnets } = network;
    const table = (key: string) =>
      new RouteTable(this, key, { vpcId: vpc.id, tags: { Name: `${name}-${key}` } });
    const associate = (key: string, subnet: Subnet | undefined, { id: routeTableId }: RouteTable) =>
      subnet ? [new RouteTableAssociation(this, `${key}-subnet`, { subnetId: subnet.id, routeTableId })] : [];
    const route = (key: string, { id: routeTableId }: RouteTable, target: Partial<RouteConfig>) =>
      new Route(this, `${key}-default`, { routeTableId, destinationCidrBlock: ANYWHERE, ...target });

    const open = table('public');
    const outside = route('public', open, { gatewayId: gateway.id });
    const zoned = zones.map((zone, index) => {
      const own = table(`private-${zone}`);
      const waysOut = [
        ...associate(`public-${zone}`, publicSubnets[index], open),
        route(`private-${zone}`, own, { natGatewayId: natGateways.forZone(index).id }),
        ...associate(`private-${zone}`, privateSubnets[index], own),
      ];
      return { own, waysOut };
    });
    this.privateTables = zoned.map(({ own }) => own);
    this.waysOut = [outside, ...zoned.flatMap(({ waysOut }) => waysOut)];
  }
}

/** Logs every connection that was accepted or rejected in a VPC. */
class FlowLogs extends Construct {
  constructor(scope: Construct, id: string, deployment: Deployment, vpc: Vpc) {
    super(scope, id);
    const { arns, names, logRetentionDays } = deployment;
    const name = names.flowLogGroup;
    const logs = new CloudwatchLogGroup(this, 'logs', { name, retentionInDays: logRetentionDays });
    const role = new Role(this, 'role', {
      deployment,
      name: names.flowLogRole,
      description: `Used by ${names.vpc} to write its flow log`,
      service: 'vpc-flow-logs.amazonaws.com',
    });
    role.grant(
      {
        sid: 'WriteTheLog',
        actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        resources: [arns.logGroup(name), arns.logStreams(name)],
      },
      { sid: 'FindTheLog', actions: ['logs:DescribeLogGroups'], resources: [arns.logGroup('*')] },
    );
    new FlowLog(this, 'Resource', {
      vpcId: vpc.id,
      trafficType: 'ALL',
      logDestination: logs.arn,
      iamRoleArn: role.resource.arn,
      tags: { Name: names.vpc },
      dependsOn: [role.permissions],
    });
  }
}

interface NetworkProps {
  readonly deployment: Deployment;
  readonly settings: Configuration['network'];
  /** Whether every connection in the VPC is logged. @default false */
  readonly flowLogs?: boolean;
}

/**
 * A VPC with a public and a private subnet in every zone; what is private reaches the internet, never the reverse.
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
  /** Tasks that start before these exist reach neither the registry nor their log group. */
  readonly waysOut: readonly ITerraformDependable[];

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
    if (flowLogs) new FlowLogs(this, 'flow-logs', deployment, this.vpc);
    // The security group of whatever names none: it lets nothing in and nothing out.
    new DefaultSecurityGroup(this, 'default-security-group', {
      vpcId: this.vpc.id,
      tags: { Name: `${names.vpc}-unused-default` },
    });

    const blocks = planSubnets(settings);
    const subnets = (kind: 'public' | 'private') =>
      zones.map((zone, index) => {
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
      });
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
      network: this,
      name: names.vpc,
      zones,
      gateway,
      natGateways,
    });
    this.waysOut = routes.waysOut;
    // Photos, models and image layers reach S3 without a NAT gateway, which charges for every GB.
    new VpcEndpoint(this, 's3-endpoint', {
      vpcId: this.vpc.id,
      serviceName: `com.amazonaws.${region}.s3`,
      vpcEndpointType: 'Gateway',
      routeTableIds: routes.privateTables.map((table) => table.id),
      tags: { Name: `${names.vpc}-s3` },
    });
  }
}
