import { isObject, type Json } from '../input/json.ts';
import type { Resource } from '../input/resource.ts';
import { type Difference, differences, NOTHING, UNKNOWN } from './differences.ts';

export interface Change extends Difference {
  /** Terraform cannot change it in place: this is why the resource is replaced. */
  readonly forcesReplacement: boolean;
}

const REFERENCE_ALONE = /^\$\{([^}]*)\}$/;

/** Terraform's reasons to replace or destroy what no attribute explains. Source: "JSON Output Format". */
const REASONS: Readonly<Record<string, string>> = {
  replace_because_tainted: 'it is marked as damaged (tainted), because making it failed before',
  replace_by_request: 'it was asked for (-replace)',
  replace_by_triggers: 'something that it is to be replaced with changes',
  delete_because_no_resource_config: 'the code has it no longer',
  delete_because_no_module: 'the code has its module no longer',
  delete_because_wrong_repetition: 'the code repeats it differently',
  delete_because_count_index: 'the code has fewer of it',
  delete_because_each_key: 'the code has it no longer under this key',
  delete_because_no_move_target: 'its new place is not in the code',
};

/** Why a resource is replaced or destroyed, in words. */
export const reasonOf = ({ reason, leftover }: Resource): string | undefined =>
  leftover ? 'an earlier replacement left it behind' : REASONS[reason ?? ''];

const isTrue = (marks: Json, attribute: string): boolean => isObject(marks) && marks[attribute] === true;
const markOf = (marks: Json, attribute: string): Json | undefined =>
  isObject(marks) ? marks[attribute] : marks === true ? true : undefined;

const differencesOf = (resource: Resource, attribute: string): readonly Difference[] => {
  const { change, declared } = resource;
  const { after_unknown: unknowns, before_sensitive, after_sensitive } = change;
  const isUnknown = isTrue(unknowns, attribute);
  // AWS computes it, and it says nothing that the other attributes do not.
  if (isUnknown && declared && declared[attribute] === undefined) return [];
  const fromCode = isUnknown ? resource.after?.[attribute] : undefined;
  return differences(
    {
      before: change.before?.[attribute],
      after: fromCode ?? change.after?.[attribute],
      unknown: fromCode === undefined ? markOf(unknowns, attribute) : undefined,
      beforeSensitive: markOf(before_sensitive, attribute),
      afterSensitive: markOf(after_sensitive, attribute),
    },
    attribute,
  );
};

const isRepeated = ({ path, before, after }: Difference, all: readonly Difference[]): boolean =>
  path.startsWith('tags_all') &&
  all.some(
    (other) =>
      other.path === path.replace('tags_all', 'tags') && other.before === before && other.after === after,
  );

const TRIVIAL = ['false', '0'];

/** What AWS fills in where the code says nothing; it follows from the rest. */
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

/** What changes in a resource that is there before and after, what forces a replacement first. */
export const changesOf = (resource: Resource): readonly Change[] => {
  const { change } = resource;
  const attributes = new Set([
    ...Object.keys(change.before ?? {}),
    ...Object.keys(change.after ?? {}),
    ...(isObject(change.after_unknown) ? Object.keys(change.after_unknown) : []),
  ]);
  const forcing = new Set(change.replace_paths.map(([attribute]) => attribute));
  const all = [...attributes].flatMap((attribute) =>
    differencesOf(resource, attribute)
      .filter((difference) => !isFilledIn(difference, attribute, resource))
      .map((difference) => ({
        ...difference,
        after: difference.after.replace(REFERENCE_ALONE, '(known after apply: $1)'),
        forcesReplacement: forcing.has(attribute),
      })),
  );
  const told = all.filter((difference) => !isRepeated(difference, all));
  return [...told].sort((one, other) => Number(other.forcesReplacement) - Number(one.forcesReplacement));
};

/** Whether nothing but labels changes. */
export const isTagsOnly = (changes: readonly Change[]): boolean =>
  changes.length > 0 && changes.every(({ path }) => /^tags(_all)?(\.|\[|$)/.test(path));
