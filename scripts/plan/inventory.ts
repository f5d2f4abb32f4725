import type { StackFiles } from '../terraform/synth.ts';
import {
  type Attributes,
  getPath,
  isObject,
  type Json,
  maskAttributes,
  type ResourceChange,
  type TerraformPlan,
} from './terraform-plan.ts';

export type Action = 'create' | 'update' | 'replace' | 'destroy' | 'read' | 'no-op';

/** A resource, before and after the plan, and as the code writes it. */
export interface Resource extends Pick<ResourceChange, 'address' | 'type' | 'name' | 'change'> {
  readonly action: Action;
  /** The part of the system: the outermost construct in the stack. */
  readonly component: string;
  /** Its present attributes, without secrets. */
  readonly before: Attributes | undefined;
  /** Its planned attributes, without secrets; those that Terraform does not know yet are as in the code. */
  readonly after: Attributes | undefined;
  readonly declared: Attributes | undefined;
  /** An old copy that an interrupted replacement has left behind. */
  readonly leftover: boolean;
  /** Creating it never succeeded, so it is replaced. */
  readonly unfinished: boolean;
}

export type FutureResource = Resource & { readonly after: Attributes };

/** All resources of a plan, and the references between them. */
export interface Inventory {
  readonly resources: readonly Resource[];
  readonly ofType: (...types: readonly string[]) => readonly Resource[];
  /** Those that exist after the plan, of all types when none is named. */
  readonly afterPlan: (...types: readonly string[]) => readonly FutureResource[];
  /** ` (new)` or ` (changed)`, for texts about what will be; nothing when everything is new. */
  readonly changeMark: (resource: Resource) => string;
  readonly linked: (resource: Resource, attribute: string) => readonly Resource[];
}

const isFuture = (resource: Resource): resource is FutureResource => resource.after !== undefined;

export const isChanged = ({ action }: Resource): boolean => !['no-op', 'read'].includes(action);

/** Whether the existing resource is removed, even if another takes its place. */
export const isReplacedOrDestroyed = ({ action }: Resource): boolean =>
  action === 'replace' || action === 'destroy';

/** Attributes that come nearest to a name. */
const NAME_LIKE = /^(bucket|family|policy_arn|destination_cidr_block|(?!.*(display|bus)).*_name)$/;

/** Its name in AWS, or the attribute nearest to one. */
export const displayName = ({ after, before }: Pick<Resource, 'after' | 'before'>): string => {
  const attributes = after ?? before ?? {};
  const candidates = [
    attributes['name'],
    getPath(attributes['tags'], ['Name']),
    ...Object.entries(attributes).flatMap(([key, value]) => (NAME_LIKE.test(key) ? [value] : [])),
    attributes['description'],
  ];
  const isName = (candidate: Json | undefined) =>
    typeof candidate === 'string' && candidate !== '' && !candidate.startsWith('${');
  return candidates.find(isName)?.toString() ?? '';
};

/** Its name in AWS or, if it has none, its address. */
export const resourceLabel = (resource: Pick<Resource, 'after' | 'before' | 'address'>): string =>
  displayName(resource) || resource.address;

const SHARED = 'shared';
const NOT_DECLARED = 'no longer in the configuration';

/** `<stack>/<component>/<construct>`: what is directly in the stack belongs to no component. */
const pathComponent = ([, component = SHARED, ...inner]: readonly string[]): string =>
  inner.length > 0 ? component : SHARED;

/** Groups by component, in alphabetical order. */
export const groupByComponent = <T extends { readonly component: string }>(
  items: readonly T[],
): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(item.component, [...(groups.get(item.component) ?? []), item]);
  return new Map([...groups].sort(([one], [other]) => one.localeCompare(other)));
};

/** @returns the value that a reference such as `aws_vpc.main.id` stands for, or nothing when it is not known yet */
type Resolve = (reference: string) => Json | undefined;

/** cdktf writes references into the values of this stack, and no function calls. */
const REFERENCE = /\$\{([^{}]+)\}/g;
const REFERENCE_ALONE = /^\$\{([^{}]+)\}$/;

const resolveText = (text: string, resolve: Resolve): Json => {
  const [, alone] = REFERENCE_ALONE.exec(text) ?? [];
  if (alone !== undefined) return resolve(alone) ?? text;
  return text.replace(REFERENCE, (written, reference: string) => {
    const value = resolve(reference) ?? written;
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
};

/** Fills in the references that are known; the others stay as `${aws_vpc.main.id}`, and so does any other expression. */
const resolveReferences = (declared: Json, resolve: Resolve): Json => {
  if (typeof declared === 'string') return resolveText(declared, resolve);
  if (Array.isArray(declared)) return declared.map((item) => resolveReferences(item, resolve));
  if (!isObject(declared)) return declared;
  return Object.fromEntries(
    Object.entries(declared).map(([key, value]) => [key, resolveReferences(value, resolve)]),
  );
};

const ATTRIBUTE_OF_RESOURCE = /^([\w-]+\.[\w-]+)\.(.+)$/;

const createResolver = (plan: TerraformPlan): Resolve => {
  const changes = new Map(plan.resource_changes.map((entry) => [entry.address, entry.change]));
  return (reference) => {
    const [, address = '', attributes = ''] = ATTRIBUTE_OF_RESOURCE.exec(reference) ?? [];
    const path = attributes.split(/[.[\]"]+/).filter(Boolean);
    const change = changes.get(address);
    if (!change?.after || path.length === 0) return undefined;
    // A null may be an attribute that is only known at apply, and secrets stay out of every text.
    return getPath(maskAttributes(change.after, change.after_sensitive), path) ?? undefined;
  };
};

const toAction = (actions: readonly string[]): Action => {
  const does = (action: string) => actions.includes(action);
  if (does('delete')) return does('create') ? 'replace' : 'destroy';
  if (does('create')) return 'create';
  if (does('update')) return 'update';
  return does('read') ? 'read' : 'no-op';
};

/** Resources as declared: a value only known at apply is a reference such as `${aws_vpc.main.id}`. */
type Declarations = StackFiles['json']['resource'];

const withoutComment = ({ '//': _comment, ...written }: Declarations[string][string]): Attributes => written;

const toResource = (entry: ResourceChange, declarations: Declarations, resolve: Resolve): Resource => {
  const { type, name, change } = entry;
  const { before, after, after_unknown: unknown } = change;
  const found = declarations[type]?.[name];
  const declared = found && withoutComment(found);
  const fromCode = Object.entries(declared ?? {})
    .filter(([attribute]) => isObject(unknown) && unknown[attribute] === true)
    .map(([attribute, value]) => [attribute, resolveReferences(value, resolve)] as const);
  return {
    address: entry.address,
    type,
    name,
    change,
    action: toAction(change.actions),
    component: found ? pathComponent(found['//'].metadata.path.split('/')) : NOT_DECLARED,
    before: before ? maskAttributes(before, change.before_sensitive) : undefined,
    after: after
      ? maskAttributes({ ...after, ...Object.fromEntries(fromCode) }, change.after_sensitive)
      : undefined,
    declared,
    leftover: entry.deposed !== undefined,
    unfinished: entry.action_reason === 'replace_because_tainted',
  };
};

export const CHANGE_MARKS: Readonly<Partial<Record<Action, string>>> = {
  create: ' (new)',
  update: ' (changed)',
  replace: ' (replaced)',
};

const ADDRESS_IN_TEXT = /\b[a-z]+_\w+\.[A-Za-z_][\w-]*/g;

/** Combines the plan with the code. */
export const buildInventory = (plan: TerraformPlan, declarations: Declarations): Inventory => {
  const resolve = createResolver(plan);
  const resources = plan.resource_changes
    .filter(({ mode }) => mode === 'managed')
    .map((entry) => toResource(entry, declarations, resolve));
  const byAddress = new Map(
    resources
      .filter(({ leftover }) => !leftover)
      .map((resource) => [`${resource.type}.${resource.name}`, resource]),
  );
  const isFirst = resources.every(({ before }) => before === undefined);
  return {
    resources,
    ofType: (...types) => resources.filter(({ type }) => types.includes(type)),
    afterPlan: (...types) =>
      resources.filter(isFuture).filter(({ type }) => types.length === 0 || types.includes(type)),
    changeMark: ({ action }) => (isFirst ? '' : (CHANGE_MARKS[action] ?? '')),
    linked: ({ declared }, attribute) => {
      const addresses = JSON.stringify(declared?.[attribute] ?? null).match(ADDRESS_IN_TEXT);
      return [...new Set(addresses)].flatMap((address) => byAddress.get(address) ?? []);
    },
  };
};
