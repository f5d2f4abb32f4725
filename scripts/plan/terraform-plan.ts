import { z } from 'zod';

/** What JSON can hold. */
export type Json = z.core.util.JSONType;

const attributes = z.record(z.string(), z.json());

/** Attributes of a resource, or any other JSON object. */
export type Attributes = Readonly<z.output<typeof attributes>>;

const SUPPORTED = /^1\./;

const resourceChange = z.looseObject({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  name: z.string(),
  /** Set on what an interrupted replacement has left behind. */
  deposed: z.string().optional(),
  action_reason: z.string().optional(),
  change: z.looseObject({
    actions: z.array(z.string()),
    before: attributes.nullable(),
    after: attributes.nullable(),
    after_unknown: z.json().default({}),
    before_sensitive: z.json().default(false),
    after_sensitive: z.json().default(false),
    replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).default([]),
  }),
});

const terraformPlan = z.looseObject({
  format_version: z
    .string()
    .regex(SUPPORTED, 'must be 1.x; a newer Terraform may need a newer version of this review'),
  resource_changes: z.array(resourceChange).default([]),
});

export type TerraformPlan = z.output<typeof terraformPlan>;
export type ResourceChange = z.output<typeof resourceChange>;

/**
 * Reads what `terraform show -json <plan file>` prints.
 * Source: "JSON Output Format", Terraform's internals, format 1.2.
 *
 * @throws Error when it is something else
 */
export const parseTerraformPlan = (plan: unknown): TerraformPlan => {
  const { data, error } = terraformPlan.safeParse(plan);
  if (data) return data;
  throw new Error(
    `This is not the output of terraform show -json, so it cannot be reviewed:\n${z.prettifyError(error)}\nRun terraform plan -out=tfplan, then terraform show -json tfplan.`,
    { cause: error },
  );
};

export const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asArray = (value: Json | undefined): readonly Json[] => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
};

/** @returns the value at a path of keys and indexes */
export const getPath = (value: Json | undefined, path: readonly (string | number)[]): Json | undefined => {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(value)) return getPath(value[Number(step)], rest);
  return isObject(value) ? getPath(value[step], rest) : undefined;
};

/** @returns what a text holds when it is an object or a list in JSON, else nothing */
export const parseStructure = (text: string): Json | undefined => {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return z.json().parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

export const SENSITIVE = '(sensitive value)';

/** Replaces what Terraform marks as sensitive; `marks` has the value's shape, with true where it is. */
const mask = (value: Json, marks: Json | undefined): Json => {
  if (marks === true) return SENSITIVE;
  if (Array.isArray(value) && Array.isArray(marks))
    return value.map((item, index) => mask(item, marks[index]));
  return isObject(value) && isObject(marks) ? maskAttributes(value, marks) : value;
};

/** Attributes without those that Terraform marks as sensitive. */
export const maskAttributes = (values: Attributes, marks: Json | undefined): { [key: string]: Json } =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      mask(value, isObject(marks) ? marks[key] : marks === true),
    ]),
  );
