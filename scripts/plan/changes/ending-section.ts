import { ends, type Resource } from '../input/resource.ts';
import { blocks, bold, bullet, code, lines, table } from '../markdown.ts';
import { changeList } from './change-text.ts';
import { changesOf, reasonOf } from './changes.ts';
import { perArea, resourceText } from './resource-text.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { gravityOf } from './stateful.ts';

const REPLACED = { data: 'DATA IS LOST', address: 'ADDRESS CHANGES', outage: 'outage', harmless: 'harmless' };
const DESTROYED = {
  data: 'DATA IS LOST',
  address: 'ADDRESS IS LOST',
  outage: 'no data lost',
  harmless: 'no data lost',
};

/** The gravest first; what is unknown may be grave. */
const RANKS = ['data', 'address', undefined, 'outage', 'harmless'];

const rankOf = (resource: Resource): number => RANKS.indexOf(gravityOf(resource));

const endingText = (resource: Resource): string => {
  const gravity = gravityOf(resource);
  const [verb, words] =
    resource.action === 'replace' ? (['replaced', REPLACED] as const) : (['destroyed', DESTROYED] as const);
  const reason = reasonOf(resource);
  const changes = resource.action === 'replace' ? changesOf(resource) : [];
  return lines(
    bullet(
      `${resourceText(resource)}: ${verb}, ${bold(gravity ? words[gravity] : 'unknown to this review')}${
        reason ? `, because ${reason}` : ''
      }`,
    ),
    ...(changes.length > 0 ? [changeList(changes)] : []),
  );
};

/** What ends with this plan, and what that means. */
export const endingSection = (resources: readonly Resource[]): string => {
  const ending = resources.filter(ends).sort((one, other) => rankOf(one) - rankOf(other));
  if (ending.length === 0) return '';
  const types = [...new Set(ending.map(({ type }) => type))].sort();
  const meanings = types.map((type) => [
    code(type),
    RESOURCE_TYPES[type]?.meaning ?? 'this review does not know what depends on it',
  ]);
  return blocks(
    `## Replaced or destroyed: ${ending.length}`,
    perArea(ending, endingText),
    'What it means:',
    table(['type', 'when one is replaced or destroyed'], meanings),
  );
};
