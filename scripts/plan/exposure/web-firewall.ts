import { z } from 'zod';
import type { Inventory } from '../input/inventory.ts';
import { labelOf, type Resource } from '../input/resource.ts';
import { bold, code, count, listed } from '../markdown.ts';

/** AWS's own, where the rule names none. */
const RATE_WINDOW_SECONDS = 300;

const rate = z.looseObject({ limit: z.number(), evaluation_window_sec: z.number().nullish() });

const webAcl = z.looseObject({
  default_action: z.array(z.looseObject({ block: z.array(z.unknown()).default([]) })).default([]),
  rule: z
    .array(
      z.looseObject({
        name: z.string(),
        priority: z.number(),
        statement: z.array(z.looseObject({ rate_based_statement: z.array(rate).default([]) })).default([]),
      }),
    )
    .default([]),
});

type Rule = z.output<typeof webAcl>['rule'][number];

const ruleText = ({ name, statement }: Rule): string => {
  const limit = statement[0]?.rate_based_statement[0];
  if (!limit) return name;
  return `${name} (${limit.limit} requests in ${limit.evaluation_window_sec ?? RATE_WINDOW_SECONDS} s)`;
};

/** What the web application firewall in front of a load balancer checks. */
export const firewallText = (balancer: Resource, inventory: Inventory): string => {
  const associations = inventory
    .ofType('aws_wafv2_web_acl_association')
    .filter((association) => inventory.linked(association, 'resource_arn').includes(balancer));
  const staying = associations.filter(({ after }) => after !== undefined);
  if (staying.length === 0) {
    const removed = associations.length > 0 ? ', removed by this plan' : '';
    return `⚠ ${bold(`no web firewall (WAF) in front${removed}`)}`;
  }
  const [acl] = staying.flatMap((association) => inventory.linked(association, 'web_acl_arn'));
  if (!acl?.after) return 'web firewall (WAF): one that is not part of this plan';
  const { rule, default_action } = webAcl.parse(acl.after);
  const rules = [...rule].sort((one, other) => one.priority - other.priority).map(ruleText);
  const others = default_action[0]?.block.length ? 'blocked' : 'let through';
  return `web firewall (WAF) ${code(labelOf(acl))}${inventory.newsOf(acl)}, ${count(rules.length, 'rule')}: ${listed(rules)}; other requests are ${others}`;
};
