import { pluralize } from '../../model/shared/text.ts';
import { UNRESTRICTED_ACTIONS } from '../../stacks/iam/policy.ts';
import { CHANGE_MARKS, groupByComponent, type Inventory } from './inventory.ts';
import { blocks, bold, bullet, code, codes, conjoin, details, lines } from './markdown.ts';
import {
  isPolicyChanged,
  managedPolicies,
  type ParsedStatement,
  type Policy,
  plannedPolicies,
  type ReviewedStatement,
  unreadPolicies,
} from './policies.ts';
import { resourceTypeLabel } from './resource-types.ts';

const describeCondition = ({ operator, key, values }: ParsedStatement['Condition'][number]): string =>
  `${code(key)} ${operator} ${values.map(code).join(' or ')}`;

const describeScope = (included: readonly string[], excluded: readonly string[]): string => {
  const parts = [
    ...(included.length > 0 ? [included.includes('*') ? code('*') : codes(included)] : []),
    ...(excluded.length > 0 ? [`everything except ${codes(excluded)}`] : []),
  ];
  return parts.join(' and ');
};

const describeStatus = ({ resource }: Policy, { status }: ReviewedStatement): string => {
  if (status === 'removed') return 'removed: ';
  const existed = resource.action === 'update' || resource.action === 'replace';
  return status === 'new' && existed ? 'new: ' : '';
};

/** One statement: its actions, principals, resources and conditions. */
const describeStatement = (policy: Policy, reviewed: ReviewedStatement): string => {
  const { statement, broad } = reviewed;
  const warning = broad.length > 0 ? `⚠ ${bold(`${broad.join(', ')}:`)} ` : '';
  const actions = describeScope(statement.Action, statement.NotAction);
  const name = statement.Sid ? ` (${statement.Sid})` : '';
  const who = statement.Principal.includes('*')
    ? 'anyone'
    : describeScope(statement.Principal, statement.NotPrincipal);
  const on = describeScope(statement.Resource, statement.NotResource);
  return lines(
    bullet(`${describeStatus(policy, reviewed)}${warning}${bold(statement.Effect)} ${actions}${name}`),
    ...(who ? [bullet(`${policy.kind === 'trust' ? 'assumed by' : 'who'}: ${who}`, 1)] : []),
    ...(on ? [bullet(`on: ${on}`, 1)] : []),
    ...statement.Condition.map((condition) => bullet(`only if ${describeCondition(condition)}`, 1)),
  );
};

/** The documented reason why AWS allows only `*` as the resource. */
export const documentedReason = ({ Action, Resource }: ParsedStatement): string => {
  const reasons = Action.flatMap((action) => UNRESTRICTED_ACTIONS[action] ?? []);
  const all = Resource.includes('*') && reasons.length === Action.length;
  return all ? [...new Set(reasons)].join('; ') : '';
};

/** What the reviewer should read first: permissions with wildcards, each once. */
const broadStatements = (policies: readonly Policy[]): string => {
  const holders = new Map<string, string[]>();
  for (const policy of policies)
    for (const reviewed of policy.statements) {
      const { statement, broad } = reviewed;
      if (broad.length === 0) continue;
      const reason = documentedReason(statement);
      const text = lines(
        bullet(`${bold(`${broad.join(', ')}:`)} ${codes(statement.Action) || 'all but some actions'}`),
        ...statement.Condition.map((condition) => bullet(`only if ${describeCondition(condition)}`, 1)),
        ...(reason ? [bullet(`reason given in the code: ${reason}`, 1)] : []),
      );
      holders.set(text, [...(holders.get(text) ?? []), policy.holderName]);
    }
  if (holders.size === 0)
    return 'No statement has a wildcard resource, a wildcard action or an open principal.';
  const number = pluralize([...holders.values()].flat().length, 'statement');
  return blocks(
    `⚠ Broader than naming each action and resource: ${bold(number)}`,
    lines(
      ...[...holders].map(([text, names]) => lines(text, bullet(`for ${codes([...new Set(names)])}`, 1))),
    ),
  );
};

interface Holder {
  readonly component: string;
  readonly title: string;
  readonly policies: readonly Policy[];
}

/** A role's trust and all its permissions belong together, in whichever resource they are. */
const groupByHolder = (policies: readonly Policy[]): readonly Holder[] => {
  const groups = new Map<string, Holder>();
  const isTrust = ({ kind }: Policy) => Number(kind === 'trust');
  for (const policy of policies) {
    const [holder = policy.resource] = policy.holders;
    const key = policy.holders.map(({ address }) => address).join() || policy.resource.address;
    const others = groups.get(key)?.policies ?? [];
    groups.set(key, {
      component: holder.component,
      title: `${resourceTypeLabel(holder.type)} ${code(policy.holderName || holder.address)}`,
      policies: [...others, policy].sort((one, other) => isTrust(other) - isTrust(one)),
    });
  }
  return [...groups.values()].sort((one, other) => one.title.localeCompare(other.title));
};

const describePolicy = (policy: Policy): string =>
  lines(...policy.statements.map((statement) => describeStatement(policy, statement)));

const describeHolder = ({ title, policies }: Holder): string => {
  const places = policies.map(
    ({ resource }) => `${code(resource.address)}${CHANGE_MARKS[resource.action] ?? ''}`,
  );
  return blocks(
    `#### ${title}`,
    `In ${conjoin([...new Set(places)])}`,
    lines(...policies.map(describePolicy)),
  );
};

/** Permissions without a text that could be examined. */
const describeUnexamined = (inventory: Inventory): string =>
  lines(
    ...unreadPolicies(inventory).map((holder) =>
      bullet(`⚠ ${code(holder)} gets a policy that cannot be read before the apply`),
    ),
    ...managedPolicies(inventory).map(({ holder, arn }) =>
      bullet(`⚠ ${code(holder)} gets ${code(arn)}, a policy of AWS that is not examined`),
    ),
  );

const summary = (policies: readonly Policy[]): string => {
  const statements = policies.flatMap((policy) => policy.statements);
  const counts = (['new', 'removed', 'unchanged'] as const).map(
    (status) => `${statements.filter((each) => each.status === status).length} ${status}`,
  );
  return `${pluralize(policies.length, 'policy', 'policies')} with ${pluralize(statements.length, 'statement')} (${conjoin(counts)}), created or changed. A reference such as ${code('${aws_kms_key.x.arn}')} is filled in at apply.`;
};

/** Every statement of every policy that is created or changed, overly broad ones first. */
export const permissionsSection = (inventory: Inventory): string => {
  const policies = plannedPolicies(inventory).filter(isPolicyChanged);
  const unexamined = describeUnexamined(inventory);
  if (policies.length === 0 && unexamined === '') return '';
  const components = [...groupByComponent(groupByHolder(policies))].map(([component, holders]) => {
    const statements = holders.flatMap((holder) => holder.policies.flatMap((policy) => policy.statements));
    return details(
      `${component}: ${pluralize(statements.length, 'statement')}`,
      blocks(...holders.map(describeHolder)),
    );
  });
  const own = policies.length > 0 ? [summary(policies), broadStatements(policies)] : [];
  return blocks('## Permissions (IAM)', ...own, unexamined, ...components);
};
