import type { Inventory } from '../input/inventory.ts';
import { blocks, bold, bullet, count, lines, paragraph } from '../markdown.ts';
import { entranceText, publicLoadBalancersOf } from './entrances.ts';
import { openingsOf } from './openings.ts';
import { rulesOf } from './security-groups.ts';
import { waysOut } from './ways-out.ts';

/** Who can reach what from outside after the plan, and what can reach outside. */
export const exposureSection = (inventory: Inventory): string => {
  const rules = rulesOf(inventory);
  const entrances = publicLoadBalancersOf(inventory).map((balancer) =>
    entranceText(balancer, rules, inventory),
  );
  const openings = openingsOf(inventory, rules);
  const number = inventory.afterPlan('aws_s3_bucket').length;
  const buckets = number > 0 ? `; ${count(number, 'bucket')} cannot be made public` : '';
  const nothing = bold(entrances.length === 0 ? 'Nothing is reachable.' : 'Nothing else is reachable.');
  const looked = `Looked at: every load balancer, inbound rule, subnet, service and resource policy that there is after this plan${buckets}.`;
  const out = waysOut(inventory, rules);
  return blocks(
    '## Reachable from the internet',
    lines(...entrances),
    openings.length > 0
      ? blocks('Check these too:', lines(...openings.map((text) => bullet(`⚠ ${text}`))))
      : paragraph(`${nothing} ${looked}`),
    paragraph(
      "AWS's own interfaces answer from anywhere, but only to requests signed by who has the permissions above.",
    ),
    out.length > 0 ? blocks('### Ways out', lines(...out.map((text) => bullet(text)))) : '',
  );
};
