import { byArea } from '../input/areas.ts';
import type { Inventory } from '../input/inventory.ts';
import { nameOf, type Resource } from '../input/resource.ts';
import { blocks, code, count, folded, table } from '../markdown.ts';
import { inWords } from './resource-types.ts';

/** More than these are folded, area by area. */
const FEW = 20;

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
  const name = nameOf(resource);
  const wholes = PART_OF.filter((attribute) => resource.declared?.[attribute] !== undefined)
    .flatMap((attribute) => inventory.linked(resource, attribute))
    .flatMap((whole) => (whole === resource ? [] : nameOf(whole) || []));
  const [whole] = wholes.filter((candidate) => candidate !== name);
  return [...(name ? [code(name)] : []), ...(whole ? [`of ${code(whole)}`] : [])].join(' ');
};

/** Everything that is new. */
export const createdSection = (inventory: Inventory): string => {
  const created = inventory.resources.filter(({ action }) => action === 'create');
  if (created.length === 0) return '';
  const areas = [...byArea(created)].map(([area, members]) => {
    const rows = members.map((resource) => [
      code(resource.address),
      inWords(resource.type),
      nameText(resource, inventory),
    ]);
    const content = table(['address', 'what it is', 'name'], rows);
    return created.length > FEW
      ? folded(`${area}: ${count(members.length, 'resource')}`, content)
      : blocks(`### ${area}`, content);
  });
  return blocks(`## Created: ${created.length}`, ...areas);
};
