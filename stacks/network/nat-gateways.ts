import { Eip } from '@cdktf/provider-aws/lib/eip/index.js';
import type { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
import { NatGateway } from '@cdktf/provider-aws/lib/nat-gateway/index.js';
import type { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Construct } from 'constructs';

export interface NatGatewaysProps {
  /** Public subnets, one per zone of the network. */
  readonly subnets: readonly Subnet[];
  /** Zones that get a gateway; the others use the first one's. */
  readonly zones: readonly string[];
  readonly gateway: InternetGateway;
  readonly name: string;
}

/** The ways out of the private subnets, each with a public address of its own. */
export class NatGateways extends Construct {
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

  /** The gateway for the zone of this index: its own one, or the only one. */
  forZone(index: number): NatGateway {
    const gateway = this.#gateways[index] ?? this.#gateways[0];
    if (!gateway) throw new Error(`${this.node.path}: there are no public subnets to put a NAT gateway in.`);
    return gateway;
  }
}
