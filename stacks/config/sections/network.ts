import { z } from 'zod';
import { conflict } from '../conflict.ts';
import { ipv4Block } from '../formats.ts';
import { subnetsOf } from '../subnets.ts';

const ZONES = { min: 2, max: 4 };
const SUBNET_FIELDS = ['cidr', 'zones', 'publicSubnets', 'privateSubnets'];

/** The VPC, its subnets and their way out. */
export const network = z
  .strictObject({
    cidr: ipv4Block.default('10.0.0.0/16').describe('Address block of the VPC, between /16 and /20.'),
    zones: z
      .array(z.string().regex(/^[a-z]$/, 'give the letter of a zone, such as a'))
      .refine((zones) => zones.length >= ZONES.min, {
        error: 'a load balancer needs two zones, give two letters such as a,c',
        abort: true,
      })
      .refine((zones) => zones.length <= ZONES.max, {
        error: `that are more than ${ZONES.max} zones, give fewer letters`,
        abort: true,
      })
      .refine((zones) => new Set(zones).size === zones.length, 'a zone is named twice, name each once')
      .default(['a', 'c'])
      .describe(
        "Letters of two to four of the region's availability zones; each gets one public and one private subnet.",
      ),
    publicSubnets: z
      .array(ipv4Block)
      .default([])
      .describe("Blocks of the public subnets, one per zone; empty: sixteenths of the VPC's lower half."),
    privateSubnets: z
      .array(ipv4Block)
      .default([])
      .describe("Blocks of the private subnets, one per zone; empty: sixteenths of the VPC's upper half."),
    nat: z
      .enum(['one', 'per-zone'])
      .default('one')
      .describe('NAT gateways: one (cheaper; its zone is a single point of failure) or one per zone.'),
    allowedCidrs: z
      .array(ipv4Block)
      .refine(
        (blocks) => blocks.length > 0,
        'nobody would reach the load balancer, give a block such as 0.0.0.0/0',
      )
      .default(['0.0.0.0/0'])
      .describe('Address blocks that may reach the public load balancer.'),
  })
  .check(({ value, issues }) => {
    for (const { field, message } of subnetsOf(value).problems)
      issues.push(conflict({ field, because: SUBNET_FIELDS.filter((other) => other !== field), message }));
  })
  .prefault({});
