import { testMistakes } from '../testing.ts';

const BLOCK_RULE = 'an IPv4 block is written as its first address and its length, such as 10.0.0.0/16';
const subnets = (kind: 'PUBLIC' | 'PRIVATE', blocks: string) => ({
  [`BLOOMSTACK_NETWORK_${kind}_SUBNETS`]: blocks,
});

testMistakes('a network that AWS would refuse is told', [
  {
    what: 'one zone',
    env: { BLOOMSTACK_NETWORK_ZONES: 'a' },
    problem:
      'network.zones (BLOOMSTACK_NETWORK_ZONES) is ["a"]: a load balancer needs two zones, give two letters such as a,c.',
  },
  {
    what: 'a zone named twice',
    env: { BLOOMSTACK_NETWORK_ZONES: 'a,a' },
    problem: 'network.zones (BLOOMSTACK_NETWORK_ZONES) is ["a","a"]: a zone is named twice, name each once.',
  },
  {
    what: 'a zone that is no letter',
    env: { BLOOMSTACK_NETWORK_ZONES: 'a,us-east-1b' },
    problem:
      'network.zones (BLOOMSTACK_NETWORK_ZONES) is ["a","us-east-1b"]: "us-east-1b" is wrong, give the letter of a zone, such as a.',
  },
  {
    what: 'a malformed block',
    env: { BLOOMSTACK_NETWORK_CIDR: '10.0.0.1/16' },
    problem: `network.cidr (BLOOMSTACK_NETWORK_CIDR) is "10.0.0.1/16": ${BLOCK_RULE}.`,
  },
  {
    what: 'a malformed block among those allowed',
    env: { BLOOMSTACK_NETWORK_ALLOWED_CIDRS: '10.0.0.0/8,192.168.1/24' },
    problem: `network.allowedCidrs (BLOOMSTACK_NETWORK_ALLOWED_CIDRS) is ["10.0.0.0/8","192.168.1/24"]: "192.168.1/24" is wrong, ${BLOCK_RULE}.`,
  },
  {
    what: 'a VPC that is too large',
    env: { BLOOMSTACK_NETWORK_CIDR: '10.0.0.0/8' },
    problem:
      'network.cidr (BLOOMSTACK_NETWORK_CIDR) is "10.0.0.0/8": a VPC is between /16 and /20 here, such as 10.0.0.0/16.',
  },
  {
    what: 'subnets that overlap',
    env: subnets('PUBLIC', '10.0.0.0/20,10.0.8.0/21'),
    problem:
      'network.publicSubnets (BLOOMSTACK_NETWORK_PUBLIC_SUBNETS) is ["10.0.0.0/20","10.0.8.0/21"]: 10.0.8.0/21 overlaps the subnet 10.0.0.0/20, give every subnet addresses of its own.',
  },
  {
    what: 'subnets that overlap those taken for the other kind',
    env: subnets('PUBLIC', '10.0.128.0/20,10.0.0.0/20'),
    problem:
      'network.privateSubnets (default, with network.publicSubnets from BLOOMSTACK_NETWORK_PUBLIC_SUBNETS) is []: the subnet 10.0.128.0/20 taken for it overlaps 10.0.128.0/20, give network.privateSubnets too.',
  },
  {
    what: 'a subnet outside the VPC',
    env: subnets('PRIVATE', '10.0.128.0/20,10.1.0.0/20'),
    problem:
      'network.privateSubnets (BLOOMSTACK_NETWORK_PRIVATE_SUBNETS) is ["10.0.128.0/20","10.1.0.0/20"]: 10.1.0.0/20 is outside the VPC (network.cidr 10.0.0.0/16), choose a part of it.',
  },
  {
    what: 'too few subnets',
    env: subnets('PRIVATE', '10.0.128.0/20'),
    problem:
      'network.privateSubnets (BLOOMSTACK_NETWORK_PRIVATE_SUBNETS) is ["10.0.128.0/20"]: that is 1 for 2 zones (a, c), give one block per zone.',
  },
  {
    what: 'a subnet that is too small',
    env: subnets('PRIVATE', '10.0.128.0/20,10.0.160.0/29'),
    problem:
      'network.privateSubnets (BLOOMSTACK_NETWORK_PRIVATE_SUBNETS) is ["10.0.128.0/20","10.0.160.0/29"]: 10.0.160.0/29 is too small, AWS needs /28 or larger.',
  },
]);
