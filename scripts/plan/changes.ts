import { pluralize } from '../../model/shared/text.ts';
import { type Change, changeList, findChanges } from './differences.ts';
import {
  displayName,
  groupByComponent,
  type Inventory,
  isReplacedOrDestroyed,
  type Resource,
} from './inventory.ts';
import { blocks, bold, bullet, code, details, lines, markdownTable, paragraph } from './markdown.ts';
import { RESOURCE_TYPES, resourceTypeLabel, type Severity } from './resource-types.ts';

/** `aws_vpc.main`, VPC `app-vpc`: as it is now, or will be when it is new. */
const describeResource = (resource: Resource): string => {
  const name = displayName({ before: resource.before ?? resource.after, after: undefined });
  return `${code(resource.address)}, ${resourceTypeLabel(resource.type)}${name ? ` ${code(name)}` : ''}`;
};

/** Lists under the headings of their components. */
const listByComponent = <T extends { readonly component: string }>(
  items: readonly T[],
  describe: (item: T) => string,
): string =>
  blocks(
    ...[...groupByComponent(items)].map(([component, members]) =>
      blocks(`### ${component}`, lines(...members.map(describe))),
    ),
  );

/** Resource types that block the deletion of another, and the attribute that references it. */
const REFERENCED_BY: Readonly<Record<string, readonly (readonly [type: string, attribute: string])[]>> = {
  // AWS deletes no target group that a listener forwards to.
  aws_lb_target_group: [['aws_lb_listener', 'default_action']],
  // Nor a security group that a network interface has.
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
      const names = users.map(({ address }) => code(address)).join(', ');
      return users.length > 0
        ? [`${code(resource.address)} is deleted first, which AWS refuses while ${names} still uses it`]
        : [];
    });

const strandedLoadBalancers = (inventory: Inventory): readonly string[] => {
  const isVpcReplaced = inventory.ofType('aws_vpc').some(({ action }) => action === 'replace');
  if (!isVpcReplaced) return [];
  return inventory
    .ofType('aws_lb')
    .filter(
      (balancer) => stays(balancer) && inventory.linked(balancer, 'subnets').some(isReplacedOrDestroyed),
    )
    .map(
      ({ address }) =>
        `${code(address)} would move to another VPC, which AWS does not support for load balancers`,
    );
};

/** What Terraform plans and AWS is known to refuse, so that the apply would fail. */
export const likelyFailuresSection = (inventory: Inventory): string => {
  const failures = [...strandedLoadBalancers(inventory), ...blockedDeletions(inventory)];
  if (failures.length === 0) return '';
  return blocks('## ⚠ Likely to fail during apply', lines(...failures.map((text) => bullet(text))));
};

const REPLACED: Readonly<Record<Severity, string>> = {
  data: 'DATA IS LOST',
  'endpoint-change': 'ADDRESS CHANGES',
  outage: 'outage',
  harmless: 'harmless',
};
const DESTROYED: Readonly<Record<Severity, string>> = {
  data: 'DATA IS LOST',
  'endpoint-change': 'ADDRESS IS LOST',
  outage: 'no data lost',
  harmless: 'no data lost',
};

/** Terraform's reasons to replace or destroy what no attribute explains. Source: "JSON Output Format". */
const REASONS: Readonly<Record<string, string>> = {
  replace_because_tainted: 'it is marked as tainted, because creating it failed before',
  replace_by_request: 'it was requested (-replace)',
  delete_because_no_resource_config: 'it is no longer in the configuration',
};

const describeReason = ({ reason, leftover }: Resource): string | undefined =>
  leftover ? 'an earlier replacement left it behind' : REASONS[reason ?? ''];

/** The worst first; what is unknown may be bad. */
const RANKS: readonly (Severity | undefined)[] = ['data', 'endpoint-change', undefined, 'outage', 'harmless'];

const rank = ({ type }: Resource): number => RANKS.indexOf(RESOURCE_TYPES[type]?.severity);

const describeDestroyed = (resource: Resource): string => {
  const severity = RESOURCE_TYPES[resource.type]?.severity;
  const [verb, words] =
    resource.action === 'replace' ? (['replaced', REPLACED] as const) : (['destroyed', DESTROYED] as const);
  const reason = describeReason(resource);
  const changes = resource.action === 'replace' ? findChanges(resource) : [];
  return lines(
    bullet(
      `${describeResource(resource)}: ${verb}, ${bold(severity ? words[severity] : 'unknown to this review')}${
        reason ? `, because ${reason}` : ''
      }`,
    ),
    ...(changes.length > 0 ? [changeList(changes)] : []),
  );
};

/** What is replaced or destroyed, and what that means. */
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

interface Updated {
  readonly component: string;
  readonly resource: Resource;
  readonly changes: readonly Change[];
}

const isTagsOnly = ({ changes }: Updated): boolean =>
  changes.length > 0 && changes.every(({ path }) => /^tags(_all)?(\.|\[|$)/.test(path));

const describeUpdated = ({ resource, changes }: Updated): string =>
  lines(
    bullet(describeResource(resource)),
    changes.length > 0 ? changeList(changes) : bullet('only what AWS computes', 1),
  );

/** More resources of which only tags change are folded. */
const FEW_TAGGED = 3;

const tagsText = (tagged: readonly Updated[]): string => {
  if (tagged.length === 0) return '';
  const list = lines(...tagged.map(describeUpdated));
  return blocks(
    '### Tags only',
    tagged.length > FEW_TAGGED ? details(pluralize(tagged.length, 'resource'), list) : list,
  );
};

/** What is changed and stays. */
export const updatedSection = ({ resources }: Inventory): string => {
  const updated = resources
    .filter(({ action }) => action === 'update')
    .map((resource) => ({ resource, component: resource.component, changes: findChanges(resource) }));
  if (updated.length === 0) return '';
  return blocks(
    `## Changed in place: ${updated.length}`,
    listByComponent(
      updated.filter((each) => !isTagsOnly(each)),
      describeUpdated,
    ),
    tagsText(updated.filter(isTagsOnly)),
  );
};

/** Attributes that name what a resource is a part of. */
const PART_OF = [
  'bucket',
  'role',
  'repository',
  'load_balancer_arn',
  'rule',
  'subnet_id',
  'resource_arn',
  'route_table_id',
  'target_key_id',
  'arn',
];

const nameText = (resource: Resource, inventory: Inventory): string => {
  const name = displayName(resource);
  const [whole] = PART_OF.filter((attribute) => resource.declared?.[attribute] !== undefined)
    .flatMap((attribute) => inventory.linked(resource, attribute))
    .map((linked) => (linked === resource ? '' : displayName(linked)))
    .filter((candidate) => candidate !== '' && candidate !== name);
  return [...(name ? [code(name)] : []), ...(whole ? [`of ${code(whole)}`] : [])].join(' ');
};

/** More than these are folded, component by component. */
const FEW_CREATED = 20;

/** Everything that is new. */
export const createdSection = (inventory: Inventory): string => {
  const created = inventory.resources.filter(({ action }) => action === 'create');
  if (created.length === 0) return '';
  const components = [...groupByComponent(created)].map(([component, members]) => {
    const rows = members.map((resource) => [
      code(resource.address),
      resourceTypeLabel(resource.type),
      nameText(resource, inventory),
    ]);
    const content = markdownTable(['address', 'what it is', 'name'], rows);
    return created.length > FEW_CREATED
      ? details(`${component}: ${pluralize(members.length, 'resource')}`, content)
      : blocks(`### ${component}`, content);
  });
  return blocks(`## Created: ${created.length}`, ...components);
};

/** What changes its address, or is removed from Terraform's state and stays in AWS. */
export const stateSection = ({ resources }: Inventory): string => {
  const moved = resources.flatMap(({ address, movedFrom }) =>
    movedFrom === undefined ? [] : bullet(`${code(movedFrom)} → ${code(address)}`),
  );
  const forgotten = resources
    .filter(({ action }) => action === 'forget')
    .map((resource) => bullet(describeResource(resource)));
  return blocks(
    moved.length > 0 ? blocks(`## Moved in state only: ${moved.length}`, lines(...moved)) : '',
    forgotten.length > 0
      ? blocks(`## Removed from state, kept in AWS: ${forgotten.length}`, lines(...forgotten))
      : '',
  );
};

/** What the code sets and someone has changed; AWS itself changes many other attributes. */
const driftedChanges = (resource: Resource): readonly Change[] =>
  findChanges(resource).filter(
    ({ path }) => !resource.declared || resource.declared[path.split(/[.[]/)[0] ?? ''] !== undefined,
  );

/** What was changed without Terraform since the last apply. */
export const driftSection = ({ drifted }: Inventory): string => {
  const items = drifted.flatMap((resource) => {
    if (resource.action === 'destroy') return [bullet(`${describeResource(resource)}: gone`)];
    const changes = driftedChanges(resource);
    return changes.length > 0 ? [lines(bullet(describeResource(resource)), changeList(changes))] : [];
  });
  if (items.length === 0) return '';
  return blocks(
    `## Changed outside Terraform: ${items.length}`,
    paragraph('AWS differs from what Terraform last read. The plan starts from what is there now.'),
    lines(...items),
  );
};
