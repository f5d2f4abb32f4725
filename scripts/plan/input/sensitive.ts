import { isObject, type Json, type Values } from './json.ts';

export const SENSITIVE = '(sensitive value)';

/** Replaces what Terraform marks as sensitive; `marks` has the value's shape, with true where it is. */
export const masked = (value: Json, marks: Json | undefined): Json => {
  if (marks === true) return SENSITIVE;
  if (Array.isArray(value) && Array.isArray(marks))
    return value.map((item, index) => masked(item, marks[index]));
  if (isObject(value) && isObject(marks)) return maskedValues(value, marks);
  return value;
};

export const maskedValues = (attributes: Values, marks: Json | undefined): Values =>
  marks === true
    ? Object.fromEntries(Object.keys(attributes).map((key) => [key, SENSITIVE]))
    : Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [
          key,
          masked(value, isObject(marks) ? marks[key] : undefined),
        ]),
      );
