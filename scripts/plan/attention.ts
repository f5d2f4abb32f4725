import { pluralize } from '../../model/shared/text.ts';
import { type Inventory, isReplacedOrDestroyed } from './inventory.ts';
import { codes } from './markdown.ts';
import { documentedReason } from './permissions.ts';
import { isPolicyChanged, managedPolicies, plannedPolicies, unreadPolicies } from './policies.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { inboundRules } from './security-groups.ts';

/** What someone who approves a plan should have seen, beside what is lost. */
export interface Attention {
  /** New permissions with wildcards for which the code gives no reason, by who gets them. */
  readonly widened: readonly { readonly holder: string; readonly what: string }[];
  /** Addresses of new rules that admit the internet. */
  readonly openings: readonly string[];
  /** Addresses of what does not work until it is recreated. */
  readonly outages: readonly string[];
}

export const findAttention = (inventory: Inventory): Attention => ({
  widened: [
    ...plannedPolicies(inventory)
      .filter(isPolicyChanged)
      .flatMap(({ statements, holderName }) =>
        statements
          .filter(({ status, broad }) => status === 'new' && broad.length > 0)
          .filter(({ statement }) => documentedReason(statement) === '')
          .map(({ statement, broad }) => {
            const actions = statement.Action.join(', ') || 'all but some actions';
            return { holder: holderName, what: `${actions} (${broad.join(', ')})` };
          }),
      ),
    ...managedPolicies(inventory).map(({ holder, arn }) => ({ holder, what: arn })),
    ...unreadPolicies(inventory).map((holder) => ({
      holder,
      what: 'a policy that cannot be read before the apply',
    })),
  ],
  openings: inboundRules(inventory)
    .filter(({ internet, resource }) => internet.length > 0 && resource.action !== 'no-op')
    .map(({ resource }) => resource.address),
  outages: inventory.resources
    .filter((resource) => isReplacedOrDestroyed(resource))
    .filter(({ type }) => RESOURCE_TYPES[type]?.severity === 'outage')
    .map(({ address }) => address),
});

/** A paragraph for each kind that there is. */
export const describeAttention = ({ widened, openings, outages }: Attention): string[] => {
  const gains = widened.map(({ holder, what }) => `\n  ${holder} gets ${what}`).join('');
  return [
    widened.length > 0 ? `⚠ Access is widened by ${pluralize(widened.length, 'statement')}:${gains}` : '',
    openings.length > 0
      ? `⚠ ${pluralize(openings.length, 'new opening')} to the internet: ${codes(openings)}`
      : '',
    outages.length > 0
      ? `⚠ ${pluralize(outages.length, 'thing')} out of service until recreated: ${codes(outages)}`
      : '',
  ].filter((text) => text !== '');
};
