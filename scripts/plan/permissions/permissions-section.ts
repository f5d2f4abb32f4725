import { inWords } from '../changes/resource-types.ts';
import { byArea } from '../input/areas.ts';
import type { Inventory } from '../input/inventory.ts';
import { nameOf } from '../input/resource.ts';
import {
  blocks,
  bold,
  bullet,
  code,
  count,
  folded,
  lines,
  listed,
  paragraph,
  shortened,
} from '../markdown.ts';
import { type Policy, policiesOf } from './policies.ts';
import { statementText } from './statement-text.ts';
import { wideStatements } from './wide-statements.ts';

/** More statements than these are folded, area by area. */
const FEW = 12;
const LONGEST_UNREAD = 600;
const MANAGED = /^arn:aws[a-z-]*:iam::aws:policy\/(?:.*\/)?([^/]+)$/;
const BROAD = /FullAccess|PowerUser|Administrator/;

interface Holder {
  readonly area: string;
  readonly title: string;
  readonly policies: readonly Policy[];
}

const trustFirst = (policies: readonly Policy[]): readonly Policy[] => [
  ...policies.filter(({ kind }) => kind === 'trust'),
  ...policies.filter(({ kind }) => kind !== 'trust'),
];

/** A role's trust and all its permissions belong together, in whichever resource they stand. */
const holdersOf = (policies: readonly Policy[]): readonly Holder[] => {
  const groups = new Map<string, Holder>();
  for (const policy of policies) {
    const [holder = policy.resource] = policy.holders;
    const key = policy.holders.map(({ address }) => address).join() || policy.resource.address;
    const known = groups.get(key);
    const title = `${inWords(holder.type)} ${code(policy.holderName || holder.address)}`;
    groups.set(key, { area: holder.area, title, policies: trustFirst([...(known?.policies ?? []), policy]) });
  }
  return [...groups.values()].sort((one, other) => one.title.localeCompare(other.title));
};

const policyText = (policy: Policy): string =>
  policy.unread === undefined
    ? lines(...policy.statements.map((statement) => statementText(policy, statement)))
    : bullet(
        `⚠ ${bold('cannot be read before the apply:')} ${code(shortened(policy.unread, LONGEST_UNREAD))}`,
      );

const VERBS: Readonly<Record<string, string>> = { create: 'new', update: 'changed', replace: 'replaced' };

const holderText = ({ title, policies }: Holder): string => {
  const places = policies.map(
    ({ resource }) => `${code(resource.address)} (${VERBS[resource.action] ?? ''})`,
  );
  return blocks(
    `#### ${title}`,
    paragraph(`In ${listed([...new Set(places)])}`),
    lines(...policies.map(policyText)),
  );
};

const managedPolicies = (inventory: Inventory): string => {
  const items = inventory
    .ofType('aws_iam_role_policy_attachment')
    .filter(({ action }) => ['create', 'update', 'replace'].includes(action))
    .flatMap((attachment) => {
      const [, name] = MANAGED.exec(String(attachment.after?.['policy_arn'])) ?? [];
      if (!name) return [];
      const role = inventory.linked(attachment, 'role').map(nameOf)[0] ?? String(attachment.after?.['role']);
      const link = `https://docs.aws.amazon.com/aws-managed-policy/latest/reference/${name}.html`;
      return [
        bullet(`${BROAD.test(name) ? `⚠ ${bold('broad:')} ` : ''}${code(role)} gets ${code(name)}: ${link}`),
      ];
    });
  return items.length > 0 ? blocks('Policies of AWS, whose text is not in this plan:', lines(...items)) : '';
};

const numberOf = (policies: readonly Policy[]): number =>
  policies.reduce((sum, { statements }) => sum + statements.length, 0);

const summaryOf = (policies: readonly Policy[]): string => {
  const statements = policies.flatMap((policy) => policy.statements);
  const counts = (['new', 'removed', 'unchanged'] as const).flatMap((status) => {
    const number = statements.filter((each) => each.status === status).length;
    return number > 0 ? [`${number} ${status}`] : [];
  });
  const unread = policies.filter((policy) => policy.unread !== undefined).length;
  const warning =
    unread > 0 ? ` ⚠ ${count(unread, 'policy', 'policies')} cannot be read before the apply.` : '';
  const mentions = JSON.stringify(statements).includes('${aws_');
  const references = mentions
    ? ` A reference such as ${code('${aws_kms_key.x.arn}')} is filled in at apply.`
    : '';
  return paragraph(
    `${count(policies.length, 'policy', 'policies')} with ${count(statements.length, 'statement')}${
      counts.length > 0 ? ` (${listed(counts)})` : ''
    }, created or changed.${warning}${references}`,
  );
};

/** Every statement of every policy that is made or changed, what is wide first. */
export const permissionsSection = (inventory: Inventory): string => {
  const policies = policiesOf(inventory);
  const managed = managedPolicies(inventory);
  if (policies.length === 0 && managed === '') return '';
  const isLong = numberOf(policies) > FEW;
  const areas = [...byArea(holdersOf(policies))].map(([area, holders]) => {
    const content = blocks(...holders.map(holderText));
    const number = numberOf(holders.flatMap((holder) => holder.policies));
    return isLong
      ? folded(`${area}: ${count(number, 'statement')}`, content)
      : blocks(`### ${area}`, content);
  });
  const own = policies.length > 0 ? [summaryOf(policies), wideStatements(policies)] : [];
  return blocks('## Permissions (IAM)', ...own, managed, ...areas);
};
