import { bold, bullet, code, lines } from '../markdown.ts';
import type { Policy, ReviewedStatement } from './policies.ts';
import { type Statement, widths } from './statements.ts';

export const codes = (texts: readonly string[]): string => texts.map(code).join(', ');

export const conditionText = ({ operator, key, values }: Statement['conditions'][number]): string =>
  `${code(key)} ${operator} ${values.map(code).join(' or ')}`;

const either = (these: readonly string[], allExcept: readonly string[]): string => {
  const parts = [
    ...(these.length > 0 ? [these.includes('*') ? code('*') : codes(these)] : []),
    ...(allExcept.length > 0 ? [`everything except ${codes(allExcept)}`] : []),
  ];
  return parts.join(' and ');
};

const whoText = ({ principals, exceptPrincipals }: Statement): string =>
  principals.includes('*') ? 'anyone' : either(principals, exceptPrincipals);

const statusText = (policy: Policy, { status }: ReviewedStatement): string => {
  if (status === 'removed') return 'removed: ';
  const existed = policy.resource.action === 'update' || policy.resource.action === 'replace';
  return status === 'new' && existed ? 'new: ' : '';
};

/** One statement, wrapped: what it allows, to whom, on what, and under which conditions. */
export const statementText = (policy: Policy, reviewed: ReviewedStatement): string => {
  const { statement, status } = reviewed;
  const wide = status === 'removed' ? [] : widths(statement, policy.kind !== 'identity');
  const warning = wide.length > 0 ? `⚠ ${bold(`${wide.join(', ')}:`)} ` : '';
  const actions = either(statement.actions, statement.exceptActions);
  const name = statement.sid ? ` (${statement.sid})` : '';
  const [who, on] = [whoText(statement), either(statement.resources, statement.exceptResources)];
  return lines(
    bullet(`${statusText(policy, reviewed)}${warning}${bold(statement.effect)} ${actions}${name}`),
    ...(who ? [bullet(`${policy.kind === 'trust' ? 'taken on by' : 'who'}: ${who}`, 1)] : []),
    ...(on ? [bullet(`on: ${on}`, 1)] : []),
    ...statement.conditions.map((condition) => bullet(`only if ${conditionText(condition)}`, 1)),
  );
};
