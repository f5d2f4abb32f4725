import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import type { FutureResource, Inventory, Resource } from './inventory.ts';

export const ANYONE = ['0.0.0.0/0', '::/0'];

/** Ranges that no router of the internet forwards. */
const NOT_PUBLIC = 'private loopback linkLocal carrierGradeNat uniqueLocal multicast broadcast'.split(' ');

/**
 * Whether addresses of the internet are in a CIDR block.
 *
 * @returns nothing when the text is not a CIDR block, because it is only known at apply
 */
export const isPublicCidr = (cidr: string): boolean | undefined => {
  if (ANYONE.includes(cidr)) return true;
  if (!ipaddr.isValidCIDR(cidr)) return undefined;
  const family = ipaddr.IPv4.isValidCIDR(cidr) ? ipaddr.IPv4 : ipaddr.IPv6;
  // Both ends, for a block may be larger than the private one in which it starts.
  const ends = [family.networkAddressFromCIDR(cidr), family.broadcastAddressFromCIDR(cidr)];
  return ends.some((address) => !NOT_PUBLIC.includes(address.range()));
};

export interface SecurityGroupRule {
  readonly group: Resource | undefined;
  readonly resource: Resource;
  /** CIDR blocks and prefix lists that are in the internet, or may be. */
  readonly internet: readonly string[];
  readonly ports: string;
}

const text = z.union([z.string(), z.number()]).nullish();

const ruleAttributes = z.looseObject({
  cidr_ipv4: z.string().nullish(),
  cidr_ipv6: z.string().nullish(),
  prefix_list_id: z.string().nullish(),
  ip_protocol: text,
  from_port: text,
  to_port: text,
});

const describePorts = ({ ip_protocol, from_port, to_port }: z.output<typeof ruleAttributes>): string => {
  if (String(ip_protocol) === '-1' || ip_protocol === 'all') return 'every port';
  return from_port === to_port ? `${ip_protocol} ${from_port}` : `${ip_protocol} ${from_port}-${to_port}`;
};

const toRule = (resource: FutureResource, inventory: Inventory): SecurityGroupRule => {
  const rule = ruleAttributes.parse(resource.after);
  return {
    group: inventory
      .linked(resource, 'security_group_id')
      .find(({ type }) => type.endsWith('security_group')),
    resource,
    internet: [rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id]
      .flatMap((source) => source ?? [])
      .filter((source) => isPublicCidr(source) ?? true),
    ports: describePorts(rule),
  };
};

/** All rules of security groups, which are resources of their own, that let in or out. */
export const securityGroupRules = (
  inventory: Inventory,
  direction: 'ingress' | 'egress',
): readonly SecurityGroupRule[] =>
  inventory
    .afterPlan(`aws_vpc_security_group_${direction}_rule`)
    .map((resource) => toRule(resource, inventory));
