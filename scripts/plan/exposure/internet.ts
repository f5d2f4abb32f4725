import ipaddr from 'ipaddr.js';

export const ANYONE = ['0.0.0.0/0', '::/0'];

/** Ranges that no router of the internet forwards. */
const NOT_PUBLIC = [
  'private',
  'loopback',
  'linkLocal',
  'carrierGradeNat',
  'uniqueLocal',
  'multicast',
  'broadcast',
];

/**
 * Whether addresses of the internet are in a block.
 *
 * @returns nothing when the text is no block, because it is only known at apply
 */
export const isPublic = (cidr: string): boolean | undefined => {
  if (ANYONE.includes(cidr)) return true;
  if (!ipaddr.isValidCIDR(cidr)) return undefined;
  const family = ipaddr.IPv4.isValidCIDR(cidr) ? ipaddr.IPv4 : ipaddr.IPv6;
  // Both ends, for a block may be larger than the private one in which it starts.
  const ends = [family.networkAddressFromCIDR(cidr), family.broadcastAddressFromCIDR(cidr)];
  return ends.some((address) => !NOT_PUBLIC.includes(address.range()));
};
