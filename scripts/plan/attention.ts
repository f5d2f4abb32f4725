import { DEPLOY_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { findChanges, NOTHING, PRESENT } from './differences.ts';
import { type Inventory, isChanged, isReplacedOrDestroyed, type Resource } from './inventory.ts';
import { blocks, bullet, code, lines } from './markdown.ts';
import { documentedReason } from './permissions.ts';
import { isPolicyChanged, managedPolicies, plannedPolicies, unreadPolicies } from './policies.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { securityGroupRules } from './security-groups.ts';

type Worse = (before: string, after: string) => boolean;

const off: Worse = (_, after) => after === 'false' || after === NOTHING;
const becomes =
  (value: string): Worse =>
  (_, after) =>
    after === value;
/** No value and 0 both mean for ever. */
const fewer: Worse = (before, after) =>
  Number(after) > 0 && !(Number(before) > 0 && Number(before) <= Number(after));
const more: Worse = (before, after) => Number(after) > Number(before);

/** Settings that protect something, and what their change means. */
const SAFEGUARDS: readonly (readonly [setting: RegExp, worse: Worse, meaning: string])[] = [
  [/(^|\.)(retention_in_days|(noncurrent_)?days|countNumber)$/, fewer, 'what is older is deleted'],
  [/^(deletion|recovery)_window_in_days$/, fewer, 'a deletion can be cancelled for a shorter time'],
  [/^(enable_(deletion_protection|key_rotation)|drop_invalid_header_fields)$/, off, 'it is not protected'],
  [/^(block|ignore|restrict)_public_\w+$/, off, 'the bucket could be made public'],
  [/^access_logs\.enabled$|\.scan_on_push$|\[containerInsights\]/, off, 'it is no longer watched'],
  [/^force_(destroy|delete)$/, becomes('true'), 'it can be deleted with all that is in it'],
  [/^versioning_configuration\.status$/, becomes('Suspended'), 'what is overwritten is not kept'],
  [/\.home_efs_file_system$/, becomes('Delete'), 'home directories are deleted with the domain'],
  [/^image_tag_mutability$/, becomes('MUTABLE'), 'a tag may come to mean another image'],
  [/^rule\[[^\]]+\]\.name$/, off, 'the firewall no longer has this rule'],
  [/^rule\[.*action\.count$/, becomes(PRESENT), 'the firewall only counts what this rule matches'],
  [/\.rate_based_statement\.limit$/, more, 'an address may send more'],
  [/^alarm_actions$/, off, 'nobody is told'],
  [/kms_(master_)?key(_id|_arn)?$/, off, 'it is no longer under a key of its own'],
];

/** Resources whose existence protects another one. */
const GUARDS =
  /^aws_(budgets_budget|cloudwatch_metric_alarm|flow_log|s3_bucket_(logging|public_access_block|versioning)|wafv2_web_acl_logging_configuration)$/;

const weakenedSettings = (resource: Resource): readonly string[] =>
  findChanges(resource).flatMap(({ path, before, after }) => {
    const found = SAFEGUARDS.find(([setting, isWorse]) => setting.test(path) && isWorse(before, after));
    return found ? [`${code(path)} ${code(before)} → ${code(after)}, ${found[2]}`] : [];
  });

export const findWeakened = ({ resources, ofType }: Inventory): readonly string[] =>
  resources.flatMap((resource) => {
    const { address, type, action, before, after } = resource;
    const ofLostBucket = ofType('aws_s3_bucket').some(
      (bucket) => bucket.action === 'destroy' && bucket.before?.['bucket'] === before?.['bucket'],
    );
    const isGone = action === 'destroy' && GUARDS.test(type) && !ofLostBucket;
    const texts = isGone ? [`destroyed, ${RESOURCE_TYPES[type]?.meaning}`] : [];
    return [...texts, ...(before && after ? weakenedSettings(resource) : [])].map(
      (text) => `${code(address)}: ${text}`,
    );
  });

const SCOPE = ['cidr_ipv4', 'cidr_ipv6', 'prefix_list_id', 'ip_protocol', 'from_port', 'to_port'];

/** Rules that allow what was not allowed before; one that is replaced by its like is not new. */
const newRules = (inventory: Inventory, direction: 'ingress' | 'egress'): readonly string[] =>
  securityGroupRules(inventory, direction)
    .filter(({ internet }) => internet.length > 0)
    .filter(({ resource: { before, after } }) =>
      SCOPE.some((key) => !before || (before[key] ?? null) !== (after?.[key] ?? null)),
    )
    .map(({ resource }) => code(resource.address));

/** New permissions with wildcards for which the code gives no reason, by who gets them. */
export const findWidened = (inventory: Inventory): readonly Record<'holder' | 'what', string>[] => [
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
];

const SINGLE_INSTANCE = new RegExp(`${DEPLOY_ENVIRONMENT.minInstances}\\W+1\\W`);

/** What someone who approves a plan should have seen, besides losses of data; empty when everything is destroyed. */
export const attentionSection = (inventory: Inventory): string => {
  if (inventory.afterPlan().length === 0) return '';
  const found: Readonly<Record<string, readonly string[]>> = {
    'Access is widened': findWidened(inventory).map(({ holder, what }) => `${code(holder)} gets ${what}`),
    'Protections that become weaker': findWeakened(inventory),
    'New openings to the internet': newRules(inventory, 'ingress'),
    'New ways out to the internet': newRules(inventory, 'egress'),
    'Out of service until recreated': inventory.resources
      .filter((each) => isReplacedOrDestroyed(each) && RESOURCE_TYPES[each.type]?.severity === 'outage')
      .map(({ address }) => code(address)),
    'New models get all traffic at once, without a canary, because the endpoint has one instance; each is tried on a separate endpoint before':
      inventory
        .ofType('aws_sagemaker_pipeline')
        .filter((each) => isChanged(each) && SINGLE_INSTANCE.test(JSON.stringify(each.after)))
        .map(({ address }) => code(address)),
  };
  const items = Object.entries(found).flatMap(([what, texts]) =>
    texts.length > 0 ? [bullet(`${what}: ${texts.length}`), ...texts.map((text) => bullet(text, 1))] : [],
  );
  return items.length > 0 ? blocks('## ⚠ Before you approve', lines(...items)) : '';
};
