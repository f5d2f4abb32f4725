import { isObject, type Json, type Values } from './json.ts';
import { maskedValues } from './sensitive.ts';
import type { Declaration } from './synthesized.ts';
import type { ResourceChange } from './terraform-plan.ts';

export type Action = 'create' | 'update' | 'replace' | 'destroy' | 'forget' | 'read' | 'no-op';

/** A resource, before and after the plan, and as the code writes it. */
export interface Resource {
  readonly address: string;
  readonly type: string;
  readonly name: string;
  readonly action: Action;
  /** Part of the system, which is the outermost construct in the stack. */
  readonly area: string;
  /** What is there now, without secrets. */
  readonly before: Values | undefined;
  /** What will be there, without secrets; an attribute that Terraform does not know yet stands as the code has it. */
  readonly after: Values | undefined;
  readonly declared: Values | undefined;
  readonly change: ResourceChange['change'];
  /** Why Terraform replaces or destroys it, when no attribute says so. */
  readonly reason: string | undefined;
  /** An old copy that an interrupted replacement has left behind. */
  readonly leftover: boolean;
  readonly movedFrom: string | undefined;
}

const actionOf = (actions: readonly string[]): Action => {
  const does = (action: string) => actions.includes(action);
  if (does('delete')) return does('create') ? 'replace' : 'destroy';
  if (does('forget')) return 'forget';
  if (does('create')) return 'create';
  if (does('update')) return 'update';
  return does('read') ? 'read' : 'no-op';
};

const isUnknown = (unknown: Json, attribute: string): boolean =>
  isObject(unknown) && unknown[attribute] === true;

const afterOf = (
  { after, after_unknown, after_sensitive }: ResourceChange['change'],
  declared: Declaration | undefined,
  evaluated: (value: Json) => Json,
): Values | undefined => {
  if (!after) return undefined;
  const fromCode = Object.entries(declared?.values ?? {})
    .filter(([attribute]) => isUnknown(after_unknown, attribute))
    .map(([attribute, value]) => [attribute, evaluated(value)] as const);
  return maskedValues({ ...after, ...Object.fromEntries(fromCode) }, after_sensitive);
};

export const resourceOf = (
  entry: ResourceChange,
  area: string,
  declared: Declaration | undefined,
  evaluated: (value: Json) => Json,
): Resource => {
  const { change } = entry;
  return {
    address: entry.address,
    type: entry.type,
    name: entry.name,
    action: actionOf(change.actions),
    area,
    before: change.before ? maskedValues(change.before, change.before_sensitive) : undefined,
    after: afterOf(change, declared, evaluated),
    declared: declared?.values,
    change,
    reason: entry.action_reason,
    leftover: entry.deposed !== undefined,
    movedFrom: entry.previous_address === entry.address ? undefined : entry.previous_address,
  };
};

/** A resource that is there after the plan. */
export type FutureResource = Resource & { readonly after: Values };

export const isFuture = (resource: Resource): resource is FutureResource => resource.after !== undefined;

/** Whether the plan does something to it. */
export const isChanged = ({ action, movedFrom }: Resource): boolean =>
  !['no-op', 'read'].includes(action) || movedFrom !== undefined;

/** Whether what is there now ends: it goes, or another takes its place. */
export const ends = ({ action }: Resource): boolean => action === 'replace' || action === 'destroy';

const NAMES = [
  'name',
  'bucket',
  'family',
  'repository_name',
  'alarm_name',
  'dashboard_name',
  'domain_name',
  'user_profile_name',
  'pipeline_name',
  'model_package_group_name',
  'policy_arn',
  'destination_cidr_block',
  'service_name',
  'description',
];

/** What people call it in AWS: its name, or what comes nearest to one. */
export const nameOf = ({ after, before }: Pick<Resource, 'after' | 'before'>): string => {
  const attributes = after ?? before ?? {};
  const tags = attributes['tags'];
  const candidates = [
    attributes['name'],
    isObject(tags) ? tags['Name'] : undefined,
    ...NAMES.map((attribute) => attributes[attribute]),
  ];
  const isName = (candidate: Json | undefined) =>
    typeof candidate === 'string' && candidate !== '' && !candidate.startsWith('${');
  return candidates.find(isName)?.toString() ?? '';
};

/** Its name in AWS or, where it has none, its address. */
export const labelOf = (resource: Pick<Resource, 'after' | 'before' | 'address'>): string =>
  nameOf(resource) || resource.address;
