import { pluralize } from '../../model/shared/text.ts';
import { type Change, describeChange, findChanges } from './differences.ts';
import {
  displayName,
  groupByComponent,
  type Inventory,
  isReplacedOrDestroyed,
  type Resource,
} from './inventory.ts';
import { blocks, bold, bullet, code, codes, details, lines, markdownTable } from './markdown.ts';
import { RESOURCE_TYPES, resourceTypeLabel, type Severity } from './resource-types.ts';

/** `aws_vpc.main`, VPC `app-vpc`: by its present name, or the planned one of a new resource. */
const describeResource = (resource: Resource): string => {
  const name = displayName({ before: resource.before ?? resource.after, after: undefined });
  return `${code(resource.address)}, ${resourceTypeLabel(resource.type)}${name ? ` ${code(name)}` : ''}`;
};

const describeWithChanges = (title: string, changes: readonly Change[]): string =>
  lines(bullet(title), ...changes.map(describeChange));

const listByComponent = <T extends { readonly component: string }>(
  items: readonly T[],
  describe: (item: T) => string,
): string =>
  blocks(
    ...[...groupByComponent(items)].map(([component, members]) =>
      blocks(`### ${component}`, lines(...members.map(describe))),
    ),
  );

/** Users that keep AWS from deleting a resource: listeners of a target group, network interfaces of a security group. */
const REFERENCED_BY: Readonly<Record<string, readonly (readonly [type: string, attribute: string])[]>> = {
  aws_lb_target_group: [['aws_lb_listener', 'default_action']],
  aws_security_group: [
    ['aws_lb', 'security_groups'],
    ['aws_ecs_service', 'network_configuration'],
  ],
};

const stays = (resource: Resource): boolean => ['update', 'no-op'].includes(resource.action);

const blockedDeletions = (inventory: Inventory): readonly string[] =>
  inventory.resources
    // Where the new one is created first, its users can move before the old one is deleted.
    .filter((resource) => isReplacedOrDestroyed(resource) && resource.change.actions[0] === 'delete')
    .flatMap((resource) => {
      const users = (REFERENCED_BY[resource.type] ?? []).flatMap(([type, attribute]) =>
        inventory
          .ofType(type)
          .filter((user) => stays(user) && inventory.linked(user, attribute).includes(resource)),
      );
      if (users.length === 0) return [];
      const names = codes(users.map(({ address }) => address));
      return `${code(resource.address)} is deleted first, which AWS refuses while ${names} still uses it`;
    });

const strandedLoadBalancers = (inventory: Inventory): readonly string[] =>
  inventory
    .ofType('aws_lb')
    .filter(
      (balancer) => stays(balancer) && inventory.linked(balancer, 'subnets').some(isReplacedOrDestroyed),
    )
    .filter(() => inventory.ofType('aws_vpc').some(({ action }) => action === 'replace'))
    .map(
      ({ address }) =>
        `${code(address)} would move to another VPC, which AWS does not support for load balancers`,
    );

/** Planned changes that AWS is known to refuse, so that the apply would fail. */
export const likelyFailuresSection = (inventory: Inventory): string => {
  const failures = [...strandedLoadBalancers(inventory), ...blockedDeletions(inventory)];
  if (failures.length === 0) return '';
  return blocks('## ⚠ Likely to fail during apply', lines(...failures.map((text) => bullet(text))));
};

const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  data: 'DATA IS LOST',
  'endpoint-change': 'ADDRESS IS LOST',
  outage: 'outage',
  harmless: 'harmless',
};

/** Worst first; an unknown type may be bad. */
const RANKS: readonly (Severity | undefined)[] = ['data', 'endpoint-change', undefined, 'outage', 'harmless'];

const rank = ({ type }: Resource): number => RANKS.indexOf(RESOURCE_TYPES[type]?.severity);

const describeDestroyed = (resource: Resource): string => {
  const severity = RESOURCE_TYPES[resource.type]?.severity;
  const known = severity ? SEVERITY_WORDS[severity] : 'unknown to this review';
  const words = bold(resource.unfinished ? 'never finished by an earlier run' : known);
  const left = resource.leftover ? ', left behind by an earlier replacement' : '';
  const isReplaced = resource.action === 'replace';
  return describeWithChanges(
    `${describeResource(resource)}: ${isReplaced ? 'replaced' : 'destroyed'}, ${words}${left}`,
    isReplaced ? findChanges(resource) : [],
  );
};

export const destroyedSection = ({ resources }: Inventory): string => {
  const destroyed = resources.filter(isReplacedOrDestroyed).sort((one, other) => rank(one) - rank(other));
  if (destroyed.length === 0) return '';
  const types = [...new Set(destroyed.map(({ type }) => type))].sort();
  const meanings = types.map((type) => [
    code(type),
    RESOURCE_TYPES[type]?.meaning ?? 'this review does not know what depends on it',
  ]);
  return blocks(
    `## Replaced or destroyed: ${destroyed.length}`,
    listByComponent(destroyed, describeDestroyed),
    'What it means:',
    markdownTable(['type', 'when one is replaced or destroyed'], meanings),
  );
};

const describeUpdated = (resource: Resource): string => {
  const changes = findChanges(resource);
  return changes.length > 0
    ? describeWithChanges(describeResource(resource), changes)
    : lines(bullet(describeResource(resource)), bullet('only what AWS computes', 1));
};

export const updatedSection = ({ resources }: Inventory): string => {
  const updated = resources.filter(({ action }) => action === 'update');
  return updated.length === 0
    ? ''
    : blocks(`## Changed in place: ${updated.length}`, listByComponent(updated, describeUpdated));
};

export const createdSection = ({ resources }: Inventory): string => {
  const created = resources.filter(({ action }) => action === 'create');
  if (created.length === 0) return '';
  const components = [...groupByComponent(created)].map(([component, members]) => {
    const rows = members.map((resource) => [
      code(resource.address),
      resourceTypeLabel(resource.type),
      displayName(resource) && code(displayName(resource)),
    ]);
    const content = markdownTable(['address', 'what it is', 'name'], rows);
    return details(`${component}: ${pluralize(members.length, 'resource')}`, content);
  });
  return blocks(`## Created: ${created.length}`, ...components);
};
