import ipaddr from 'ipaddr.js';

/** A CIDR block; `first` and `last` are its addresses as numbers. */
interface CidrBlock {
  /** For example 10.0.0.0/16. */
  readonly text: string;
  readonly prefix: number;
  readonly first: number;
  readonly last: number;
}

export const CIDR_RULE =
  'a CIDR block is written as its first address and its prefix length, such as 10.0.0.0/16';

/**
 * Reads a block such as 10.0.0.0/16.
 *
 * @returns undefined if the text is not a block, or its address is not the first one of the block, which AWS refuses
 */
export const parseCidr = (text: string): CidrBlock | undefined => {
  if (!ipaddr.IPv4.isValidCIDR(text)) return undefined;
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text);
  // The parser also accepts shortened and octal addresses, which AWS does not.
  if (`${address.toString()}/${prefix}` !== text) return undefined;
  const first = address.toByteArray().reduce((number, byte) => number * 256 + byte, 0);
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { text, prefix, first, last: first + size - 1 } : undefined;
};

interface SubnetChoice {
  readonly cidr: string;
  readonly zones: readonly string[];
  readonly publicSubnets: readonly string[];
  readonly privateSubnets: readonly string[];
}

interface Problem {
  readonly field: 'cidr' | 'publicSubnets' | 'privateSubnets';
  readonly message: string;
}

interface Subnets {
  /** One CIDR block per zone, in the zones' order. */
  readonly public: readonly string[];
  readonly private: readonly string[];
  /** Why these blocks are invalid; empty if they are valid. */
  readonly problems: readonly Problem[];
}

/** The AWS console divides a new VPC in this way, too: sixteen parts, the lower half public, the upper half private. */
const PARTS = 16;
const PART_BITS = Math.log2(PARTS);
const SMALLEST_SUBNET_PREFIX = 28;
const VPC_PREFIXES = { largest: 16, smallest: 20 } as const;

const part = (vpc: CidrBlock, index: number): string => {
  const first = vpc.first + index * 2 ** (32 - vpc.prefix - PART_BITS);
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${bytes.join('.')}/${vpc.prefix + PART_BITS}`;
};

/** The subnets of a VPC: the configured ones, or sixteenths of it, with all problems. */
export const planSubnets = ({ cidr, zones, publicSubnets, privateSubnets }: SubnetChoice): Subnets => {
  const vpc = parseCidr(cidr);
  const { largest, smallest } = VPC_PREFIXES;
  if (!vpc || vpc.prefix < largest || vpc.prefix > smallest) {
    const message = vpc
      ? `a VPC is between /${largest} and /${smallest} here, such as 10.0.0.0/16`
      : CIDR_RULE;
    return { public: publicSubnets, private: privateSubnets, problems: [{ field: 'cidr', message }] };
  }

  const chosen = { public: publicSubnets.length > 0, private: privateSubnets.length > 0 };
  const derived = (offset: number) => zones.map((_, index) => part(vpc, offset + index));
  const subnets = {
    public: chosen.public ? publicSubnets : derived(0),
    private: chosen.private ? privateSubnets : derived(PARTS / 2),
  };

  const problems: Problem[] = [];
  const seen: CidrBlock[] = [];
  for (const kind of ['public', 'private'] as const) {
    const field = `${kind}Subnets` as const;
    const report = (message: string) => problems.push({ field, message });
    if (subnets[kind].length !== zones.length)
      report(
        `that is ${subnets[kind].length} for ${zones.length} Availability Zones (${zones.join(', ')}), give one CIDR block for each`,
      );
    for (const text of subnets[kind]) {
      const block = parseCidr(text);
      if (!block || block.prefix > SMALLEST_SUBNET_PREFIX) {
        report(block ? `${text} is too small, AWS needs /28 or larger` : `${text}: ${CIDR_RULE}`);
        continue;
      }
      if (block.first < vpc.first || block.last > vpc.last)
        report(`${text} is outside the VPC (network.cidr ${cidr}), choose a part of it`);
      const other = seen.find((earlier) => block.first <= earlier.last && earlier.first <= block.last);
      if (other)
        report(
          chosen[kind]
            ? `${text} overlaps the subnet ${other.text}, subnets must not overlap`
            : `its default ${text} overlaps ${other.text}, set network.${field} too`,
        );
      seen.push(block);
    }
  }
  return { ...subnets, problems };
};
