import { buildInventory, type Inventory } from './inventory.ts';
import { type Attributes, type Json, parseDeclaredStack, parseTerraformPlan } from './terraform-plan.ts';

/** One entry of a plan's resource_changes, and what the code says of the same resource. */
export interface Fixture {
  readonly entry: Readonly<Record<string, unknown>>;
  readonly type: string;
  readonly name: string;
  readonly declared: Attributes | undefined;
  readonly component: string;
}

interface Details {
  readonly before?: Attributes;
  readonly after?: Attributes;
  /** Attributes that are only known at apply. */
  readonly unknown?: { readonly [attribute: string]: Json };
  readonly sensitive?: { readonly [attribute: string]: Json };
  readonly replacePaths?: readonly (readonly (string | number)[])[];
  /** As in cdk.tf.json. @default - what is known after the plan */
  readonly declared?: Attributes;
  readonly component?: string;
  readonly reason?: string;
}

const fixture = (address: string, actions: readonly string[], details: Details): Fixture => {
  const [type = '', name = ''] = address.split('.');
  const { before, after, unknown = {}, sensitive = {}, replacePaths, declared = after, reason } = details;
  return {
    type,
    name,
    declared,
    component: details.component ?? 'web',
    entry: {
      address,
      mode: 'managed',
      type,
      name,
      ...(reason ? { action_reason: reason } : {}),
      change: {
        actions,
        before: before ?? null,
        after: after ?? null,
        after_unknown: unknown,
        before_sensitive: before ? sensitive : false,
        after_sensitive: after ? sensitive : false,
        ...(replacePaths ? { replace_paths: replacePaths } : {}),
      },
    },
  };
};

export const created = (address: string, after: Attributes, details: Details = {}): Fixture =>
  fixture(address, ['create'], { after, ...details });

/** Created with attributes that refer to others, as the code writes them. */
export const referring = (address: string, references: Attributes, after: Attributes = {}): Fixture =>
  created(address, after, { declared: { ...after, ...references } });

export const updated = (
  address: string,
  before: Attributes,
  after: Attributes,
  details: Details = {},
): Fixture => fixture(address, ['update'], { before, after, ...details });

export const replaced = (
  address: string,
  before: Attributes,
  after: Attributes,
  details: Details = {},
): Fixture => fixture(address, ['delete', 'create'], { before, after, ...details });

export const destroyed = (address: string, before: Attributes, details: Details = {}): Fixture =>
  fixture(address, ['delete'], { before, ...details });

export const unchanged = (address: string, values: Attributes, details: Details = {}): Fixture =>
  fixture(address, ['no-op'], { before: values, after: values, ...details });

/** What `terraform show -json` would print. */
export const planJson = (...fixtures: readonly Fixture[]) => ({
  format_version: '1.2',
  resource_changes: fixtures.map(({ entry }) => entry),
});

/** What cdktf would write. */
export const stackJson = (...fixtures: readonly Fixture[]) => {
  const resource: Record<string, Record<string, Attributes>> = {};
  for (const { type, name, declared, component } of fixtures) {
    if (!declared) continue;
    const metadata = { path: `shop/${component}/${name}`, uniqueId: name };
    resource[type] = { ...resource[type], [name]: { ...declared, '//': { metadata } } };
  }
  return { '//': { metadata: { stackName: 'shop' } }, resource };
};

export const inventoryFrom = (...fixtures: readonly Fixture[]): Inventory =>
  buildInventory(parseTerraformPlan(planJson(...fixtures)), parseDeclaredStack(stackJson(...fixtures)));
