import ipaddr from 'ipaddr.js';

/** A block of IPv4 addresses; `first` and `last` are its addresses as numbers. */
export interface Ipv4Block {
  /** As in 10.0.0.0/16. */
  readonly text: string;
  readonly prefix: number;
  readonly first: number;
  readonly last: number;
}

export const IPV4_BLOCK_RULE =
  'an IPv4 block is written as its first address and its length, such as 10.0.0.0/16';

/**
 * Reads a block such as 10.0.0.0/16.
 *
 * @returns nothing when the text is no block, or its address is not the first one of the block, which AWS refuses
 */
export const parseIpv4Block = (text: string): Ipv4Block | undefined => {
  if (!ipaddr.IPv4.isValidCIDR(text)) return undefined;
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text);
  // The parser also knows shortened and octal addresses; AWS does not.
  if (`${address.toString()}/${prefix}` !== text) return undefined;
  const first = address.toByteArray().reduce((number, byte) => number * 256 + byte, 0);
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { text, prefix, first, last: first + size - 1 } : undefined;
};
