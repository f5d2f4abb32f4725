import type { z } from 'zod';
import type { Choice } from './choices.ts';
import { becauseOf } from './conflict.ts';
import { FIELD_OF_PATH, type Field } from './fields.ts';

/** The field that an issue is about; the issue itself may be about an item of the field's array. */
const fieldOf = (path: readonly PropertyKey[]): Field | undefined =>
  path
    .map((_, index) => FIELD_OF_PATH.get(path.slice(0, index + 1).join('.')))
    .find((field) => field !== undefined);

const range = ({ minimum, maximum }: Field): string => {
  if (minimum === undefined && maximum === undefined) return '';
  return maximum === undefined ? ` of at least ${minimum}` : ` from ${minimum} to ${maximum}`;
};

/** What a field takes, told from its type: for the values whose rule has no words of its own in the schema. */
export const ruleOf = (path: readonly PropertyKey[]): string | undefined => {
  const field = fieldOf(path);
  switch (field?.type) {
    case 'string':
      return field.choices.length > 0
        ? `give ${field.choices.join(' or ')}`
        : `give a text in quotation marks, such as ${JSON.stringify(field.default)}`;
    case 'integer':
      return `give a whole number${range(field)}, such as ${field.default}`;
    case 'number':
      return `give a number${range(field)}, such as ${field.default}`;
    case 'boolean':
      return 'give true or false';
    case 'array':
      return `give a list of texts, such as ${JSON.stringify(field.default)}`;
    case undefined:
      return undefined;
  }
};

/** A neighbour's name, or a whole path, as the path of a field. */
const fullPath = (name: string, neighbour: Field): string => {
  const path = [...neighbour.path.split('.').slice(0, -1), name].join('.');
  return FIELD_OF_PATH.has(path) ? path : name;
};

/** Of several items, the one that is meant is named. */
const ruleWithItem = ({ path, message }: z.core.$ZodIssue, value: unknown): string => {
  const index = path.at(-1);
  if (typeof index !== 'number' || !Array.isArray(value) || value.length < 2) return message;
  return `${JSON.stringify(value[index])} is wrong, ${message}`;
};

/** Says of one field what its value is, where that comes from, and each rule that it breaks. */
const describe = (
  field: Field,
  issues: readonly z.core.$ZodIssue[],
  chosen: ReadonlyMap<string, Choice>,
): string => {
  const { value, place } = chosen.get(field.path) ?? { value: field.default, place: 'default' };
  const others = new Set(issues.flatMap(becauseOf).map((name) => fullPath(name, field)));
  const othersChosen = [...others].flatMap((path) => {
    const other = chosen.get(path);
    return other ? `${path} from ${other.place}` : [];
  });
  const places = [place, ...othersChosen].join(', with ');
  const rules = [...new Set(issues.map((issue) => ruleWithItem(issue, value)))];
  return `${field.path} (${places}) is ${JSON.stringify(value)}: ${rules.join(', and ')}`;
};

/** One problem for every field that the schema's issues are about. */
export const problemsOf = (
  issues: readonly z.core.$ZodIssue[],
  chosen: ReadonlyMap<string, Choice>,
): readonly string[] => {
  const byField = new Map<Field, z.core.$ZodIssue[]>();
  for (const issue of issues) {
    const field = fieldOf(issue.path);
    if (!field) throw new Error(`The schema speaks of ${issue.path.join('.')}, which is no field.`);
    byField.set(field, [...(byField.get(field) ?? []), issue]);
  }
  return [...byField].map(([field, those]) => describe(field, those, chosen));
};
