import { isDeepStrictEqual } from 'node:util';
import type { Resource } from './inventory.ts';
import { bullet, code, shorten } from './markdown.ts';
import { isObject, type Json, parseStructure, SENSITIVE } from './terraform-plan.ts';

const UNKNOWN = '(known after apply)';
export const NOTHING = '(none)';
/** An empty block, such as `count` in a firewall rule. */
export const PRESENT = '(set)';

/** A change of one attribute, or of one place inside it. */
interface Difference {
  /** `container_definitions[app-web].environment[PORT].value` */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** The same place in both states, and in Terraform's marks for them. */
export interface Sides {
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  /** True where `after` is only known at apply. */
  readonly unknown?: Json | undefined;
  readonly beforeSensitive?: Json | undefined;
  readonly afterSensitive?: Json | undefined;
}

/** Keys that identify the items of a list, whatever their order. */
const IDENTITIES = ['name', 'Name', 'Sid', 'key', 'Key', 'id', 'ChannelName'];

const isEmpty = (value: Json | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.values(value).every(isEmpty));

const isScalar = (item: Json): boolean => typeof item !== 'object' || item === null;

const toText = (value: Json | undefined): string => {
  if (isEmpty(value) || value === undefined) return NOTHING;
  if (Array.isArray(value) && value.every(isScalar)) return value.map(toText).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
};

type Key = string | number | undefined;

const child = (value: Json | undefined, key: Key): Json | undefined => {
  if (key === undefined) return undefined;
  if (Array.isArray(value)) return value[Number(key)];
  return isObject(value) ? value[key] : value === true ? true : undefined;
};

const descend = (sides: Sides, before: Key, after: Key): Sides => ({
  before: child(sides.before, before),
  after: child(sides.after, after),
  unknown: child(sides.unknown, after),
  beforeSensitive: child(sides.beforeSensitive, before),
  afterSensitive: child(sides.afterSensitive, after),
});

const identify = (item: Json | undefined): string | undefined => {
  if (!isObject(item)) return undefined;
  const key = IDENTITIES.find((candidate) => typeof item[candidate] === 'string');
  return key === undefined ? undefined : String(item[key]);
};

const compareScalars = (
  before: readonly Json[],
  after: readonly Json[],
  path: string,
): readonly Difference[] => {
  if (isDeepStrictEqual(before, after)) return [];
  const removed = before.filter((item) => !after.includes(item));
  const added = after.filter((item) => !before.includes(item));
  // The same items in another order, which may matter, as in a command.
  const [old, young] = removed.length + added.length > 0 ? [removed, added] : [before, after];
  return [
    { path, before: old.map(toText).join(', ') || NOTHING, after: young.map(toText).join(', ') || NOTHING },
  ];
};

const compareLists = (
  sides: Sides,
  before: readonly Json[],
  after: readonly Json[],
  path: string,
): readonly Difference[] => {
  const { unknown } = sides;
  const known = after.map((item, index) => (child(unknown, index) === true ? UNKNOWN : item));
  if ([...before, ...known].every(isScalar)) return compareScalars(before, known, path);
  const length = Math.max(after.length, Array.isArray(unknown) ? unknown.length : 0);
  const [old, young] = [before, Array.from({ length }, (_, index) => after[index])].map((items) => {
    const identities = new Set(items.map(identify));
    return identities.size === items.length && !identities.has(undefined) ? [...identities] : undefined;
  });
  const isNamed = old !== undefined && young !== undefined;
  const isSingle = before.length <= 1 && length <= 1;
  const keys = isNamed
    ? [...new Set([...young, ...old])]
    : [...Array(Math.max(before.length, length)).keys()];
  return keys.flatMap((key) => {
    const place = (identities: readonly (string | undefined)[], count: number) => {
      const index = typeof key === 'number' ? key : identities.indexOf(key);
      return index >= 0 && index < count ? index : undefined;
    };
    const [from, to] = [place(old ?? [], before.length), place(young ?? [], length)];
    const inner = isSingle && !isNamed ? path : `${path}[${key}]`;
    const found = findDifferences(descend(sides, from, to), inner);
    if (found.length > 0 || (from === undefined) === (to === undefined)) return found;
    const presence = (index: Key) => (index === undefined ? NOTHING : PRESENT);
    return [{ path: inner, before: presence(from), after: presence(to) }];
  });
};

const compareObjects = (sides: Sides, path: string): readonly Difference[] => {
  const keys = [sides.before, sides.after, sides.unknown].flatMap((value) =>
    isObject(value) ? Object.keys(value) : [],
  );
  return [...new Set(keys)].flatMap((key) =>
    findDifferences(descend(sides, key, key), path ? `${path}.${key}` : key),
  );
};

const parseText = (value: Json | undefined): Json | undefined =>
  typeof value === 'string' ? (parseStructure(value) ?? value) : value;

/** All differences, down to single values. JSON inside a text is compared as JSON, and empty equals missing. */
export const findDifferences = (sides: Sides, path = ''): readonly Difference[] => {
  if (sides.beforeSensitive === true || sides.afterSensitive === true) {
    const same = isDeepStrictEqual(sides.before, sides.after) && sides.unknown !== true;
    return same ? [] : [{ path, before: SENSITIVE, after: SENSITIVE }];
  }
  if (sides.unknown === true) return [{ path, before: toText(sides.before), after: UNKNOWN }];
  const [before, after] = [parseText(sides.before), parseText(sides.after)];
  const isText = before !== sides.before || after !== sides.after;
  const inner: Sides = isText ? { before, after } : { ...sides, before, after };
  if (isDeepStrictEqual(before, after) && !sides.unknown) return [];
  if (Array.isArray(before) || Array.isArray(after)) {
    const list = (value: Json | undefined) =>
      Array.isArray(value) ? value : isEmpty(value) ? [] : [value ?? null];
    const [old, young] = [list(before), list(after)];
    return isDeepStrictEqual(old, young) && !sides.unknown
      ? []
      : compareLists({ ...inner, before: old, after: young }, old, young, path);
  }
  const isObjectOrEmpty = (value: Json | undefined) => isObject(value) || isEmpty(value);
  if ((isObject(before) || isObject(after)) && isObjectOrEmpty(before) && isObjectOrEmpty(after))
    return compareObjects(inner, path);
  if (before === after || (isEmpty(before) && isEmpty(after))) return [];
  return [{ path, before: toText(before), after: toText(after) }];
};

export interface Change extends Difference {
  /** Terraform cannot change it in place: this is why the resource is replaced. */
  readonly forcesReplacement: boolean;
}

const attributeDifferences = (resource: Resource, attribute: string): readonly Difference[] => {
  const { change, declared } = resource;
  const { after_unknown: unknowns, before_sensitive, after_sensitive } = change;
  const isUnknown = isObject(unknowns) && unknowns[attribute] === true;
  // Computed by AWS, and redundant beside the other attributes.
  if (isUnknown && declared && declared[attribute] === undefined) return [];
  const fromCode = isUnknown ? resource.after?.[attribute] : undefined;
  return findDifferences(
    {
      before: change.before?.[attribute],
      after: fromCode ?? change.after?.[attribute],
      unknown: fromCode === undefined ? child(unknowns, attribute) : undefined,
      beforeSensitive: child(before_sensitive, attribute),
      afterSensitive: child(after_sensitive, attribute),
    },
    attribute,
  );
};

/** The provider lists every tag twice. */
const isRepeatedTag = ({ path, before, after }: Difference, all: readonly Difference[]): boolean =>
  path.startsWith('tags_all') &&
  all.some(
    (other) =>
      other.path === path.replace('tags_all', 'tags') && other.before === before && other.after === after,
  );

const TRIVIAL = ['false', '0', PRESENT];

/** Attributes that AWS fills in when the code leaves them out; they follow from the rest. */
const isFilledIn = (
  { path, before, after }: Difference,
  attribute: string,
  { declared }: Resource,
): boolean => {
  if (!declared) return false;
  const written = JSON.stringify(declared[attribute] ?? null);
  const [leaf = attribute] = path.split('.').slice(-1);
  if (after === UNKNOWN) return leaf !== attribute && !written.includes(`"${leaf}"`);
  return after === NOTHING && TRIVIAL.includes(before) && !written.includes(leaf);
};

const REFERENCE_ALONE = /^\$\{([^}]*)\}$/;

/** Changes of a resource that exists before and after the plan; those that force a replacement come first. */
export const findChanges = (resource: Resource): readonly Change[] => {
  const { before, after, after_unknown: unknown, replace_paths } = resource.change;
  const attributes = new Set(
    [before, after, isObject(unknown) ? unknown : {}].flatMap((each) => Object.keys(each ?? {})),
  );
  const forcing = new Set(replace_paths.map(([attribute]) => attribute));
  const all = [...attributes].flatMap((attribute) =>
    attributeDifferences(resource, attribute)
      .filter((difference) => !isFilledIn(difference, attribute, resource))
      .map((difference) => ({
        ...difference,
        after: difference.after.replace(REFERENCE_ALONE, '(known after apply: $1)'),
        forcesReplacement: forcing.has(attribute),
      })),
  );
  return all
    .filter((difference) => !isRepeatedTag(difference, all))
    .sort((one, other) => Number(other.forcesReplacement) - Number(one.forcesReplacement));
};

const CONTEXT = 24;

/** A change as a list item under its resource; long texts are shown from where they begin to differ. */
export const describeChange = ({ path, before, after, forcesReplacement }: Change): string => {
  const forced = forcesReplacement ? ' — forces the replacement' : '';
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  const cut = (text: string) => shorten(same > 2 * CONTEXT ? `…${text.slice(same - CONTEXT)}` : text);
  return bullet(`${code(path)}: ${code(cut(before))} → ${code(cut(after))}${forced}`, 1);
};
