import { z } from 'zod';
import { values } from './json.ts';

const SUPPORTED = /^1\./;

const change = z.looseObject({
  actions: z.array(z.string()),
  before: values.nullable(),
  after: values.nullable(),
  after_unknown: z.json().default({}),
  before_sensitive: z.json().default(false),
  after_sensitive: z.json().default(false),
  replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).default([]),
});

const resourceChange = z.looseObject({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  name: z.string(),
  previous_address: z.string().optional(),
  /** Set on what an interrupted replacement has left behind. */
  deposed: z.string().optional(),
  action_reason: z.string().optional(),
  change,
});

const terraformPlan = z.looseObject({
  format_version: z
    .string()
    .regex(SUPPORTED, 'must be 1.x; a newer Terraform may need a newer version of this review'),
  terraform_version: z.string().optional(),
  resource_changes: z.array(resourceChange).default([]),
  resource_drift: z.array(resourceChange).default([]),
  complete: z.boolean().default(true),
  errored: z.boolean().default(false),
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
    `This is no plan as Terraform shows it, so it cannot be reviewed:\n${z.prettifyError(error)}\nMake one with terraform plan -out=tfplan and terraform show -json tfplan.`,
    { cause: error },
  );
};
