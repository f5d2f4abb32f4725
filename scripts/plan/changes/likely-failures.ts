import type { Inventory } from '../input/inventory.ts';
import { ends, type Resource } from '../input/resource.ts';
import { blocks, bullet, code, lines } from '../markdown.ts';

/** What holds on to something in AWS, and by which attribute. */
const HOLDERS: Readonly<Record<string, readonly (readonly [type: string, attribute: string])[]>> = {
  // AWS deletes no target group that a listener forwards to.
  aws_lb_target_group: [
    ['aws_lb_listener', 'default_action'],
    ['aws_lb_listener_rule', 'action'],
  ],
  // Nor a security group that a network interface has.
  aws_security_group: [
    ['aws_lb', 'security_groups'],
    ['aws_ecs_service', 'network_configuration'],
    ['aws_vpc_endpoint', 'security_group_ids'],
  ],
};

const stays = (resource: Resource): boolean => ['update', 'no-op'].includes(resource.action);

const heldFast = (inventory: Inventory): readonly string[] =>
  inventory.resources
    // Where the new one is made first, its users can move before the old one goes.
    .filter((resource) => ends(resource) && resource.change.actions[0] === 'delete')
    .flatMap((resource) => {
      const holders = (HOLDERS[resource.type] ?? []).flatMap(([type, attribute]) =>
        inventory
          .ofType(type)
          .filter((holder) => stays(holder) && inventory.linked(holder, attribute).includes(resource)),
      );
      const names = holders.map(({ address }) => code(address)).join(', ');
      return holders.length > 0
        ? [`${code(resource.address)} is deleted first, which AWS refuses while ${names} still uses it`]
        : [];
    });

const strandedBalancers = (inventory: Inventory): readonly string[] => {
  const isVpcReplaced = inventory.ofType('aws_vpc').some(({ action }) => action === 'replace');
  if (!isVpcReplaced) return [];
  return inventory
    .ofType('aws_lb')
    .filter((balancer) => stays(balancer) && inventory.linked(balancer, 'subnets').some(ends))
    .map(
      ({ address }) => `${code(address)} is to move to another VPC, which AWS offers for no load balancer`,
    );
};

/** What Terraform plans and AWS is known to refuse, so that the apply would stop half-way. */
export const likelyFailures = (inventory: Inventory): string => {
  const failures = [...strandedBalancers(inventory), ...heldFast(inventory)];
  if (failures.length === 0) return '';
  return blocks('## ⚠ Likely to fail half-way', lines(...failures.map((text) => bullet(text))));
};
