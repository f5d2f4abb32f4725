import { BlockList, isIP } from 'node:net';

/** Addresses of our own proxies, load balancers and this machine (RFC 1918, 3927, 4193, 4291, 6598). */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
PRIVATE.addAddress('::1', 'ipv6');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

const withoutMapping = (address: string) => address.trim().replace(/^::ffff:(?=[\d.]+$)/i, '');
const isPrivate = (address: string) =>
  isIP(address) === 0 || PRIVATE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

export interface ClientAddressOptions {
  /** The peer of the connection. */
  readonly peer: string | undefined;
  /** `X-Forwarded-For`: each proxy appends the address that it was called from. */
  readonly forwardedFor: string | undefined;
}

/**
 * The client's address behind our own proxies: the rightmost one that is not private. A client cannot spoof it, because
 * what it writes into the header is left of its own address. Without a public address, as within an office, it is the
 * leftmost private one.
 *
 * @example
 * clientAddress({ peer: '10.0.1.7', forwardedFor: '198.51.100.1, 203.0.113.9, 10.0.0.3' }); // => '203.0.113.9'
 */
export const clientAddress = ({ peer = '', forwardedFor }: ClientAddressOptions): string => {
  const direct = withoutMapping(peer);
  if (forwardedFor === undefined || (direct !== '' && !isPrivate(direct))) return direct;
  const hops = forwardedFor.split(',', 20).map(withoutMapping);
  const isAddress = (hop: string) => isIP(hop) !== 0;
  return hops.findLast((hop) => isAddress(hop) && !isPrivate(hop)) ?? hops.find(isAddress) ?? direct;
};
