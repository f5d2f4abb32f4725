import type { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
import { Route } from '@cdktf/provider-aws/lib/route/index.js';
import { RouteTable } from '@cdktf/provider-aws/lib/route-table/index.js';
import { RouteTableAssociation } from '@cdktf/provider-aws/lib/route-table-association/index.js';
import type { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import type { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { Construct } from 'constructs';
import type { NatGateways } from './nat-gateways.ts';

const ANYWHERE = '0.0.0.0/0';

export interface RoutesProps {
  readonly vpc: Vpc;
  readonly name: string;
  readonly zones: readonly string[];
  readonly publicSubnets: readonly Subnet[];
  readonly privateSubnets: readonly Subnet[];
  readonly gateway: InternetGateway;
  readonly natGateways: NatGateways;
}

/** Public subnets share one table; every private subnet has its own, so that its NAT gateway can change alone. */
export class Routes extends Construct {
  readonly privateTables: readonly RouteTable[];

  constructor(scope: Construct, id: string, props: RoutesProps) {
    super(scope, id);
    const { vpc, name, zones, publicSubnets, privateSubnets, gateway, natGateways } = props;
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
