import { DefaultSecurityGroup } from '@cdktf/provider-aws/lib/default-security-group/index.js';
import { Eip } from '@cdktf/provider-aws/lib/eip/index.js';
import { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
import { NatGateway } from '@cdktf/provider-aws/lib/nat-gateway/index.js';
import { Route } from '@cdktf/provider-aws/lib/route/index.js';
import { RouteTable } from '@cdktf/provider-aws/lib/route-table/index.js';
import { RouteTableAssociation } from '@cdktf/provider-aws/lib/route-table-association/index.js';
import { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { VpcEndpoint } from '@cdktf/provider-aws/lib/vpc-endpoint/index.js';
import { Construct } from 'constructs';
import type { Configuration } from '../config/schema.ts';
import { planSubnets } from '../config/subnets.ts';
import type { Deployment } from '../deployment.ts';

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

  constructor(scope: Construct, id: string, props: RoutesProps) {
    super(scope, id);
    const { network, name, zones, gateway, natGateways } = props;
    const { vpc, publicSubnets, privateSubnets } = network;
    const table = (key: string) =>
      new RouteTable(this, key, { vpcId: vpc.id, tags: { Name: `${name}-${key}` } });
    const associate = (key: string, subnet: Subnet | undefined, { id: routeTableId }: RouteTable) =>
      subnet && new RouteTableAssociation(this, `${key}-subnet`, { subnetId: subnet.id, routeTableId });

    const open = table('public');
    new Route(this, 'public-default', {
      routeTableId: open.id,
      destinationCidrBlock: ANYWHERE,
      gatewayId: gateway.id,
    });
    this.privateTables = zones.map((zone, index) => {
      associate(`public-${zone}`, publicSubnets[index], open);
      const own = table(`private-${zone}`);
      new Route(this, `private-${zone}-default`, {
        routeTableId: own.id,
        destinationCidrBlock: ANYWHERE,
        natGatewayId: natGateways.forZone(index).id,
      });
      associate(`private-${zone}`, privateSubnets[index], own);
      return own;
    });
  }
}

interface NetworkProps {
  readonly deployment: Deployment;
  readonly settings: Configuration['network'];
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

  constructor(scope: Construct, id: string, { deployment, settings }: NetworkProps) {
    super(scope, id);
    const { names, region } = deployment;
    const { zones, nat } = settings;

    this.vpc = new Vpc(this, 'vpc', {
      cidrBlock: settings.cidr,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: { Name: names.vpc },
    });
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
