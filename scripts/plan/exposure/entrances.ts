import { z } from 'zod';
import type { Inventory } from '../input/inventory.ts';
import { type FutureResource, labelOf, type Resource } from '../input/resource.ts';
import { bold, bullet, code, lines, listed } from '../markdown.ts';
import { ANYONE } from './internet.ts';
import { openBlocks, type Rule } from './security-groups.ts';
import { firewallText } from './web-firewall.ts';

const redirect = z.looseObject({ port: z.string().nullish(), protocol: z.string().nullish() });

const listener = z.looseObject({
  port: z.number().nullish(),
  protocol: z.string().nullish(),
  default_action: z
    .array(z.looseObject({ type: z.string(), redirect: z.array(redirect).nullish() }))
    .default([]),
});

/** Load balancers with public addresses. One of which it is not known counts as public. */
export const publicLoadBalancersOf = (inventory: Inventory): readonly FutureResource[] =>
  inventory.afterPlan('aws_lb', 'aws_alb', 'aws_elb').filter(({ after }) => after['internal'] !== true);

const actionText = (resource: FutureResource, inventory: Inventory): string => {
  const actions = listener.parse(resource.after).default_action.map(({ type, redirect: targets }) => {
    const [to] = targets ?? [];
    if (type === 'redirect') return `redirects to ${to?.protocol ?? 'its protocol'} ${to?.port ?? ''}`.trim();
    if (type !== 'forward') return type.replaceAll('_', ' ');
    const groups = inventory
      .linked(resource, 'default_action')
      .filter((other) => other.type.endsWith('target_group'));
    return `forwards to ${groups.map((group) => code(labelOf(group))).join(', ') || 'a target group'}`;
  });
  return actions.join(', then ');
};

const listenerTexts = (balancer: Resource, inventory: Inventory): readonly string[] => {
  const texts = inventory
    .afterPlan('aws_lb_listener', 'aws_alb_listener')
    .filter((resource) => inventory.linked(resource, 'load_balancer_arn').includes(balancer))
    .map((resource) => {
      const { port, protocol } = listener.parse(resource.after);
      const action = actionText(resource, inventory);
      const isPlain = protocol === 'HTTP' && !action.startsWith('redirects');
      return `port ${port ?? '(unknown)'}, ${protocol ?? '(unknown)'}: ${action}${isPlain ? ' — ⚠ not encrypted' : ''}${inventory.newsOf(resource)}`;
    });
  return texts.length > 0 ? texts : ['no listener: nothing answers'];
};

const callerTexts = (balancer: Resource, rules: readonly Rule[], inventory: Inventory): readonly string[] => {
  const groups = inventory.linked(balancer, 'security_groups');
  if (groups.length === 0) return ['who may connect: ⚠ no security group is known'];
  return groups.map((group) => {
    const sources = rules
      .filter((rule) => rule.group === group && rule.direction === 'in')
      .flatMap((rule) =>
        openBlocks(rule).map(
          (block) =>
            `${rule.ports} from ${code(block)}${ANYONE.includes(block) ? ' (anyone)' : ''}${inventory.newsOf(rule.resource)}`,
        ),
      );
    return `who may connect, by ${code(labelOf(group))}: ${sources.join(', ') || 'nobody from the internet'}`;
  });
};

/** What a load balancer with public addresses lets in. */
export const entranceText = (
  balancer: FutureResource,
  rules: readonly Rule[],
  inventory: Inventory,
): string => {
  const subnets = inventory.linked(balancer, 'subnets').map((subnet) => code(labelOf(subnet)));
  const doubt = balancer.after['internal'] === false ? '' : ' (⚠ not said to be internal)';
  const place = subnets.length > 0 ? ` in ${listed(subnets)}` : '';
  const title = `${bold(labelOf(balancer))}: load balancer ${code(balancer.address)}`;
  return lines(
    bullet(`${title}${doubt}${place}${inventory.newsOf(balancer)}`),
    ...listenerTexts(balancer, inventory).map((text) => bullet(text, 1)),
    ...callerTexts(balancer, rules, inventory).map((text) => bullet(text, 1)),
    bullet(firewallText(balancer, inventory), 1),
  );
};
