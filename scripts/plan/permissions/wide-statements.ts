import { UNRESTRICTED_ACTIONS } from '../../../stacks/iam/policy.ts';
import { blocks, bold, bullet, code, count, lines } from '../markdown.ts';
import type { Policy } from './policies.ts';
import { codes, conditionText } from './statement-text.ts';
import { type Statement, widths } from './statements.ts';

interface WideStatement {
  readonly text: string;
  readonly conditions: readonly string[];
  readonly reason: string;
  readonly holder: string;
}

const reasonOf = ({ actions, resources }: Statement): string => {
  const reasons = actions.flatMap((action) => UNRESTRICTED_ACTIONS[action] ?? []);
  const all = resources.includes('*') && reasons.length === actions.length;
  return all ? [...new Set(reasons)].join('; ') : '';
};

const wideIn = (policy: Policy): readonly WideStatement[] =>
  policy.statements.flatMap(({ statement, status }) => {
    const wide = status === 'removed' ? [] : widths(statement, policy.kind !== 'identity');
    if (wide.length === 0) return [];
    return [
      {
        text: `${bold(`${wide.join(', ')}:`)} ${codes(statement.actions) || 'all but some actions'}`,
        conditions: statement.conditions.map(conditionText),
        reason: reasonOf(statement),
        holder: policy.holderName,
      },
    ];
  });

/** What the reviewer should read first: permissions with wildcards, equal ones told once. */
export const wideStatements = (policies: readonly Policy[]): string => {
  const wide = policies.flatMap(wideIn);
  if (wide.length === 0)
    return 'No statement has a wildcard resource, a wildcard action or an open principal.';
  const groups = new Map<string, readonly WideStatement[]>();
  for (const statement of wide) {
    const key = JSON.stringify([statement.text, statement.conditions, statement.reason]);
    groups.set(key, [...(groups.get(key) ?? []), statement]);
  }
  const items = [...groups.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const holders = [...new Set([first, ...others].map(({ holder }) => holder))];
    return lines(
      bullet(first.text),
      bullet(`for ${holders.map(code).join(', ')}`, 1),
      ...first.conditions.map((condition) => bullet(`only if ${condition}`, 1)),
      ...(first.reason ? [bullet(`why, as the code says: ${first.reason}`, 1)] : []),
    );
  });
  const verb = wide.length === 1 ? 'is' : 'are';
  return blocks(
    `⚠ ${bold(count(wide.length, 'statement'))} ${verb} wider than naming things one by one:`,
    lines(...items),
  );
};
