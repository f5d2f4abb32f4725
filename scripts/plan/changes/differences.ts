import { isDeepStrictEqual } from 'node:util';
import { isObject, type Json, parseStructure } from '../input/json.ts';
import { SENSITIVE } from '../input/sensitive.ts';

export const UNKNOWN = '(known after apply)';
export const NOTHING = '(none)';

/** One attribute, or one place inside it, that changes. */
export interface Difference {
  /** `container_definitions[app-web].environment[PORT].value` */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** The same place in the two states, and in Terraform's marks beside them. */
export interface Sides {
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  /** True where `after` is only known at apply. */
  readonly unknown?: Json | undefined;
  readonly beforeSensitive?: Json | undefined;
  readonly afterSensitive?: Json | undefined;
}

/** Keys by which AWS tells the items of a list apart, whatever their order. */
const IDENTITIES = ['name', 'Name', 'Sid', 'key', 'Key', 'id', 'ChannelName'];

const isEmpty = (value: Json | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.values(value).every(isEmpty));

const isScalar = (item: Json): boolean => typeof item !== 'object' || item === null;

const shown = (value: Json | undefined): string => {
  if (isEmpty(value) || value === undefined) return NOTHING;
  if (Array.isArray(value) && value.every(isScalar)) return value.map(shown).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
};

const child = (value: Json | undefined, key: string | number | undefined): Json | undefined => {
  if (key === undefined) return undefined;
  if (Array.isArray(value)) return value[Number(key)];
  return isObject(value) ? value[key] : value === true ? true : undefined;
};

const at = (
  sides: Sides,
  before: string | number | undefined,
  after: string | number | undefined,
): Sides => ({
  before: child(sides.before, before),
  after: child(sides.after, after),
  unknown: child(sides.unknown, after),
  beforeSensitive: child(sides.beforeSensitive, before),
  afterSensitive: child(sides.afterSensitive, after),
});

const identityOf = (item: Json | undefined): string | undefined => {
  if (!isObject(item)) return undefined;
  const key = IDENTITIES.find((candidate) => typeof item[candidate] === 'string');
  return key === undefined ? undefined : String(item[key]);
};

const betweenSets = (
  before: readonly Json[],
  after: readonly Json[],
  path: string,
): readonly Difference[] => {
  if (isDeepStrictEqual(before, after)) return [];
  const removed = before.filter((item) => !after.includes(item));
  const added = after.filter((item) => !before.includes(item));
  // The same items in another order: it may matter, as in a command.
  const [old, young] = removed.length + added.length > 0 ? [removed, added] : [before, after];
  return [
    { path, before: old.map(shown).join(', ') || NOTHING, after: young.map(shown).join(', ') || NOTHING },
  ];
};

const betweenLists = (sides: Sides, before: readonly Json[], after: readonly Json[], path: string) => {
  const { unknown } = sides;
  const known = after.map((item, index) => (child(unknown, index) === true ? UNKNOWN : item));
  if ([...before, ...known].every(isScalar)) return betweenSets(before, known, path);
  const equal = new Set<number>();
  const restBefore = before.flatMap((item, index) => {
    const same = after.findIndex((other, at) => !equal.has(at) && isDeepStrictEqual(item, other));
    if (same >= 0) equal.add(same);
    return same >= 0 ? [] : [index];
  });
  const length = Math.max(after.length, Array.isArray(sides.unknown) ? sides.unknown.length : 0);
  const restAfter = Array.from({ length }, (_, index) => index).filter((index) => !equal.has(index));
  const partnerOf = (index: number, position: number): number | undefined => {
    const identity = identityOf(after[index]);
    return identity === undefined
      ? restBefore[position]
      : restBefore.find((candidate) => identityOf(before[candidate]) === identity);
  };
  const pairs = restAfter.map((index, position) => [partnerOf(index, position), index] as const);
  const gone = restBefore.filter((index) => pairs.every(([partner]) => partner !== index));
  const label = (item: Json | undefined, index: number): string => {
    const identity = identityOf(item);
    if (identity !== undefined) return `${path}[${identity}]`;
    return before.length <= 1 && after.length <= 1 ? path : `${path}[${index}]`;
  };
  return [
    ...pairs.flatMap(([old, young]) => differences(at(sides, old, young), label(after[young], young))),
    ...gone.flatMap((index) => differences(at(sides, index, undefined), label(before[index], index))),
  ];
};

const betweenObjects = (sides: Sides, path: string): readonly Difference[] => {
  const keysOf = (value: Json | undefined) => (isObject(value) ? Object.keys(value) : []);
  const keys = new Set([...keysOf(sides.before), ...keysOf(sides.after), ...keysOf(sides.unknown)]);
  return [...keys].flatMap((key) => differences(at(sides, key, key), path ? `${path}.${key}` : key));
};

const structured = (value: Json | undefined): Json | undefined =>
  typeof value === 'string' ? (parseStructure(value) ?? value) : value;

/** Whatever differs, down to single values; JSON in a text is compared inside, and empty is as good as missing. */
export const differences = (sides: Sides, path = ''): readonly Difference[] => {
  if (sides.beforeSensitive === true || sides.afterSensitive === true) {
    const same = isDeepStrictEqual(sides.before, sides.after) && sides.unknown !== true;
    return same ? [] : [{ path, before: SENSITIVE, after: SENSITIVE }];
  }
  if (sides.unknown === true) return [{ path, before: shown(sides.before), after: UNKNOWN }];
  const [before, after] = [structured(sides.before), structured(sides.after)];
  const isText = before !== sides.before || after !== sides.after;
  const inner: Sides = isText ? { before, after } : { ...sides, before, after };
  if (isDeepStrictEqual(before, after) && !sides.unknown) return [];
  if (Array.isArray(before) || Array.isArray(after)) {
    const list = (value: Json | undefined) =>
      Array.isArray(value) ? value : isEmpty(value) ? [] : [value ?? null];
    const [old, young] = [list(before), list(after)];
    return isDeepStrictEqual(old, young) && !sides.unknown
      ? []
      : betweenLists({ ...inner, before: old, after: young }, old, young, path);
  }
  if (isObject(before) || isObject(after)) {
    if (!isObject(before) && !isEmpty(before)) return [{ path, before: shown(before), after: shown(after) }];
    if (!isObject(after) && !isEmpty(after)) return [{ path, before: shown(before), after: shown(after) }];
    return betweenObjects(inner, path);
  }
  if (isEmpty(before) && isEmpty(after)) return [];
  return before === after ? [] : [{ path, before: shown(before), after: shown(after) }];
};
