import { z } from 'zod';
import type { Inventory } from '../input/inventory.ts';
import { asList, type Json, type Values } from '../input/json.ts';
import type { Resource } from '../input/resource.ts';
import { isPublic } from './internet.ts';

export interface Rule {
  readonly group: Resource | undefined;
  /** Where the rule stands. */
  readonly resource: Resource;
  readonly direction: 'in' | 'out';
  /** Blocks of addresses, prefix lists, and what is only known at apply. */
  readonly blocks: readonly string[];
  readonly ports: string;
}

const text = z.union([z.string(), z.number()]).nullish();

const singleRule = z.looseObject({
  cidr_ipv4: z.string().nullish(),
  cidr_ipv6: z.string().nullish(),
  prefix_list_id: z.string().nullish(),
  ip_protocol: text,
  from_port: text,
  to_port: text,
});

const manyBlocks = z.looseObject({
  type: z.string().nullish(),
  cidr_blocks: z.array(z.string()).nullish(),
  ipv6_cidr_blocks: z.array(z.string()).nullish(),
  prefix_list_ids: z.array(z.string()).nullish(),
  protocol: text,
  from_port: text,
  to_port: text,
});

const portsOf = (protocol: unknown, from: unknown, to: unknown): string => {
  if (String(protocol) === '-1' || protocol === 'all') return 'every port';
  return from === to ? `${protocol} ${from}` : `${protocol} ${from}-${to}`;
};

const ruleOfBlocks = (
  raw: Json,
  group: Resource | undefined,
  resource: Resource,
  direction: 'in' | 'out',
): Rule => {
  const rule = manyBlocks.parse(raw);
  return {
    group,
    resource,
    direction,
    blocks: [...(rule.cidr_blocks ?? []), ...(rule.ipv6_cidr_blocks ?? []), ...(rule.prefix_list_ids ?? [])],
    ports: portsOf(rule.protocol, rule.from_port, rule.to_port),
  };
};

const inlineRules = (group: Resource, after: Values): readonly Rule[] =>
  (['ingress', 'egress'] as const).flatMap((attribute) =>
    asList(after[attribute]).flatMap((raw) =>
      typeof raw === 'object'
        ? [ruleOfBlocks(raw, group, group, attribute === 'ingress' ? 'in' : 'out')]
        : [],
    ),
  );

/** All rules of security groups, in the three ways in which Terraform writes them. */
export const rulesOf = (inventory: Inventory): readonly Rule[] =>
  inventory.resources.flatMap((resource): readonly Rule[] => {
    const { after, type } = resource;
    if (!after) return [];
    const [group] = inventory
      .linked(resource, 'security_group_id')
      .filter((other) => other.type.endsWith('security_group'));
    if (type === 'aws_security_group' || type === 'aws_default_security_group')
      return inlineRules(resource, after);
    if (type === 'aws_security_group_rule')
      return [ruleOfBlocks({ ...after }, group, resource, after['type'] === 'egress' ? 'out' : 'in')];
    if (!/^aws_vpc_security_group_(ingress|egress)_rule$/.test(type)) return [];
    const rule = singleRule.parse(after);
    return [
      {
        group,
        resource,
        direction: type.includes('ingress') ? 'in' : 'out',
        blocks: [rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id].flatMap((block) => block ?? []),
        ports: portsOf(rule.ip_protocol, rule.from_port, rule.to_port),
      },
    ];
  });

/** The blocks of a rule that are in the internet, or may be. */
export const openBlocks = ({ blocks }: Rule): readonly string[] =>
  blocks.filter((block) => isPublic(block) ?? true);
