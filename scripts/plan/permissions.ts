import { pluralize } from '../../model/shared/text.ts';
import { UNRESTRICTED_ACTIONS } from '../../stacks/iam/policy.ts';
import { CHANGE_MARKS, displayName, groupByComponent, type Inventory } from './inventory.ts';
import {
  blocks,
  bold,
  bullet,
  code,
  codes,
  conjoin,
  details,
  lines,
  paragraph,
  shorten,
} from './markdown.ts';
import {
  broadness,
  isPolicyChanged,
  type ParsedStatement,
  type Policy,
  plannedPolicies,
  type ReviewedStatement,
} from './policies.ts';
import { resourceTypeLabel } from './resource-types.ts';

const describeCondition = ({ operator, key, values }: ParsedStatement['conditions'][number]): string =>
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

export const statementBroadness = (
  { kind }: Policy,
  { statement, status }: ReviewedStatement,
): readonly string[] => (status === 'removed' ? [] : broadness(statement, kind !== 'identity'));

/** One statement: what it allows, to whom, on what, and under which conditions. */
const describeStatement = (policy: Policy, reviewed: ReviewedStatement): string => {
  const { statement } = reviewed;
  const broad = statementBroadness(policy, reviewed);
  const warning = broad.length > 0 ? `⚠ ${bold(`${broad.join(', ')}:`)} ` : '';
  const actions = describeScope(statement.actions, statement.exceptActions);
  const name = statement.sid ? ` (${statement.sid})` : '';
  const who = statement.principals.includes('*')
    ? 'anyone'
    : describeScope(statement.principals, statement.exceptPrincipals);
  const on = describeScope(statement.resources, statement.exceptResources);
  return lines(
    bullet(`${describeStatus(policy, reviewed)}${warning}${bold(statement.effect)} ${actions}${name}`),
    ...(who ? [bullet(`${policy.kind === 'trust' ? 'assumed by' : 'who'}: ${who}`, 1)] : []),
    ...(on ? [bullet(`on: ${on}`, 1)] : []),
    ...statement.conditions.map((condition) => bullet(`only if ${describeCondition(condition)}`, 1)),
  );
};

/** Why AWS leaves no other way than every resource, as the code documents it. */
export const documentedReason = ({ actions, resources }: ParsedStatement): string => {
  const reasons = actions.flatMap((action) => UNRESTRICTED_ACTIONS[action] ?? []);
  const all = resources.includes('*') && reasons.length === actions.length;
  return all ? [...new Set(reasons)].join('; ') : '';
};

/** What the reviewer should read first: permissions with wildcards, equal ones once. */
const broadStatements = (policies: readonly Policy[]): string => {
  const broad = policies.flatMap((policy) =>
    policy.statements.flatMap((reviewed) => {
      const kinds = statementBroadness(policy, reviewed);
      if (kinds.length === 0) return [];
      const { statement } = reviewed;
      const reason = documentedReason(statement);
      const text = `${bold(`${kinds.join(', ')}:`)} ${codes(statement.actions) || 'all but some actions'}`;
      const notes = [
        ...statement.conditions.map((condition) => `only if ${describeCondition(condition)}`),
        ...(reason ? [`reason given in the code: ${reason}`] : []),
      ];
      return [{ text, notes, holder: policy.holderName }];
    }),
  );
  if (broad.length === 0)
    return 'No statement has a wildcard resource, a wildcard action or an open principal.';
  const groups = new Map<string, { text: string; notes: readonly string[]; holders: Set<string> }>();
  for (const { text, notes, holder } of broad) {
    const key = JSON.stringify([text, notes]);
    const holders = groups.get(key)?.holders ?? new Set();
    groups.set(key, { text, notes, holders: holders.add(holder) });
  }
  const items = [...groups.values()].map(({ text, notes, holders }) =>
    lines(bullet(text), bullet(`for ${codes([...holders])}`, 1), ...notes.map((note) => bullet(note, 1))),
  );
  const verb = broad.length === 1 ? 'is' : 'are';
  return blocks(
    `⚠ ${bold(pluralize(broad.length, 'statement'))} ${verb} broader than naming each action and resource:`,
    lines(...items),
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

const LONGEST_UNREAD = 600;

const describePolicy = (policy: Policy): string =>
  policy.unread === undefined
    ? lines(...policy.statements.map((statement) => describeStatement(policy, statement)))
    : bullet(`⚠ ${bold('cannot be read before the apply:')} ${code(shorten(policy.unread, LONGEST_UNREAD))}`);

const describeHolder = ({ title, policies }: Holder): string => {
  const places = policies.map(
    ({ resource }) => `${code(resource.address)}${CHANGE_MARKS[resource.action] ?? ''}`,
  );
  return blocks(
    `#### ${title}`,
    paragraph(`In ${conjoin([...new Set(places)])}`),
    lines(...policies.map(describePolicy)),
  );
};

/** Policies that AWS maintains have no text in a plan. */
const managedPolicies = (inventory: Inventory): string =>
  lines(
    ...inventory
      .afterPlan('aws_iam_role_policy_attachment')
      .filter(({ action }) => CHANGE_MARKS[action] !== undefined)
      .flatMap((attachment) => {
        const { policy_arn: arn, role } = attachment.after;
        if (typeof arn !== 'string' || !arn.includes(':iam::aws:policy/')) return [];
        const name = inventory.linked(attachment, 'role').map(displayName)[0] ?? String(role);
        return [bullet(`⚠ ${code(name)} gets ${code(arn)}, a policy of AWS that is not examined`)];
      }),
  );

const countStatements = (policies: readonly Policy[]): number =>
  policies.flatMap(({ statements }) => statements).length;

const summary = (policies: readonly Policy[]): string => {
  const statements = policies.flatMap((policy) => policy.statements);
  const counts = (['new', 'removed', 'unchanged'] as const).flatMap((status) => {
    const number = statements.filter((each) => each.status === status).length;
    return number > 0 ? [`${number} ${status}`] : [];
  });
  const unread = policies.filter((policy) => policy.unread !== undefined).length;
  const warning =
    unread > 0 ? ` ⚠ ${pluralize(unread, 'policy', 'policies')} cannot be read before the apply.` : '';
  const references = JSON.stringify(statements).includes('${aws_')
    ? ` A reference such as ${code('${aws_kms_key.x.arn}')} is filled in at apply.`
    : '';
  return paragraph(
    `${pluralize(policies.length, 'policy', 'policies')} with ${pluralize(statements.length, 'statement')}${
      counts.length > 0 ? ` (${conjoin(counts)})` : ''
    }, created or changed.${warning}${references}`,
  );
};

/** More statements than these are folded, component by component. */
const FEW = 12;

/** Every statement of every policy that is created or changed, overly broad ones first. */
export const permissionsSection = (inventory: Inventory): string => {
  const policies = plannedPolicies(inventory).filter(isPolicyChanged);
  const managed = managedPolicies(inventory);
  if (policies.length === 0 && managed === '') return '';
  const isLong = countStatements(policies) > FEW;
  const components = [...groupByComponent(groupByHolder(policies))].map(([component, holders]) => {
    const content = blocks(...holders.map(describeHolder));
    const number = countStatements(holders.flatMap((holder) => holder.policies));
    return isLong
      ? details(`${component}: ${pluralize(number, 'statement')}`, content)
      : blocks(`### ${component}`, content);
  });
  const own = policies.length > 0 ? [summary(policies), broadStatements(policies)] : [];
  return blocks('## Permissions (IAM)', ...own, managed, ...components);
};
