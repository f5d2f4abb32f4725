import { byArea } from '../input/areas.ts';
import { nameOf, type Resource } from '../input/resource.ts';
import { blocks, code, lines } from '../markdown.ts';
import { inWords } from './resource-types.ts';

/** `aws_vpc.main`, VPC `app-vpc`: as it is now, or will be when it is new. */
export const resourceText = (resource: Resource): string => {
  const name = nameOf({ before: resource.before ?? resource.after, after: undefined });
  return `${code(resource.address)}, ${inWords(resource.type)}${name ? ` ${code(name)}` : ''}`;
};

/** Lists of resources under the headings of their areas. */
export const perArea = <T extends { readonly area: string }>(
  members: readonly T[],
  item: (member: T) => string,
): string =>
  blocks(...[...byArea(members)].map(([area, inArea]) => blocks(`### ${area}`, lines(...inArea.map(item)))));
