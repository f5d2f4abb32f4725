import { pluralize } from '../../model/shared/text.ts';
import { type Inventory, isReplacedOrDestroyed } from './inventory.ts';
import { codes } from './markdown.ts';
import { documentedReason, statementBroadness } from './permissions.ts';
import { isPolicyChanged, plannedPolicies } from './policies.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { securityGroupRules } from './security-groups.ts';

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
  widened: plannedPolicies(inventory)
    .filter(isPolicyChanged)
    .flatMap((policy) =>
      policy.statements.flatMap((reviewed) => {
        const broad = statementBroadness(policy, reviewed);
        if (reviewed.status !== 'new' || broad.length === 0 || documentedReason(reviewed.statement) !== '')
          return [];
        const actions = reviewed.statement.actions.join(', ') || 'all but some actions';
        return [{ holder: policy.holderName, what: `${actions} (${broad.join(', ')})` }];
      }),
    )
    .concat(
      inventory.afterPlan('aws_iam_role_policy_attachment').flatMap(({ action, after }) => {
        const { policy_arn: arn, role } = after;
        const isNew = action === 'create' || action === 'replace';
        if (!isNew || typeof arn !== 'string' || !arn.includes(':iam::aws:policy/')) return [];
        return [{ holder: String(role), what: arn }];
      }),
    ),
  openings: securityGroupRules(inventory)
    .filter(({ direction, internet }) => direction === 'in' && internet.length > 0)
    .filter(({ resource }) => resource.action !== 'no-op')
    .map(({ resource }) => resource.address),
  outages: inventory.resources
    .filter((resource) => isReplacedOrDestroyed(resource))
    .filter(({ type }) => RESOURCE_TYPES[type]?.severity === 'outage')
    .map(({ address }) => address),
});

/** A paragraph for each kind that there is. */
export const describeAttention = ({ widened, openings, outages }: Attention): string[] => [
  ...(widened.length > 0
    ? [
        `⚠ Access is widened by ${pluralize(widened.length, 'statement')}:\n${widened
          .map(({ holder, what }) => `  ${holder} gets ${what}`)
          .join('\n')}`,
      ]
    : []),
  ...(openings.length > 0
    ? [`⚠ ${pluralize(openings.length, 'new opening')} to the internet: ${codes(openings)}`]
    : []),
  ...(outages.length > 0
    ? [`⚠ ${pluralize(outages.length, 'thing')} out of service until recreated: ${codes(outages)}`]
    : []),
];
