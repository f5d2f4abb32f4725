import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terraformJson } from '../terraform/synth.ts';
import { buildInventory, type Inventory } from './inventory.ts';
import { type Attributes, type Json, parseTerraformPlan } from './terraform-plan.ts';

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

const fixture = (
  address: string,
  actions: readonly string[],
  { before, after, unknown = {}, sensitive = {}, replacePaths = [], ...details }: Details,
): Fixture => {
  const [type = '', name = ''] = address.split('.');
  const change = {
    actions,
    before: before ?? null,
    after: after ?? null,
    after_unknown: unknown,
    before_sensitive: sensitive,
    after_sensitive: sensitive,
    replace_paths: replacePaths,
  };
  const { declared = after, component = 'web', reason } = details;
  const entry = { address, mode: 'managed', type, name, action_reason: reason, change };
  return { type, name, declared, component, entry };
};

export const created = (address: string, after: Attributes = {}, details: Details = {}): Fixture =>
  fixture(address, ['create'], { after, ...details });

/** Created with attributes that refer to others, as the code writes them. */
export const referring = (address: string, references: Attributes, after: Attributes = {}): Fixture =>
  created(address, after, { declared: { ...after, ...references } });

const changed =
  (...actions: readonly string[]) =>
  (address: string, before: Attributes = {}, after: Attributes = {}, details: Details = {}): Fixture =>
    fixture(address, actions, { before, after, ...details });

export const updated = changed('update');
export const replaced = changed('delete', 'create');

export const destroyed = (address: string, before: Attributes = {}, details: Details = {}): Fixture =>
  fixture(address, ['delete'], { before, ...details });

export const unchanged = (address: string, values: Attributes = {}, details: Details = {}): Fixture =>
  fixture(address, ['no-op'], { before: values, after: values, ...details });

/** What `terraform show -json` would print. */
export const planJson = (...fixtures: readonly Fixture[]) => ({
  format_version: '1.2',
  resource_changes: fixtures.map(({ entry }) => entry),
});

/** What cdktf would write. */
export const stackOf = (...fixtures: readonly Fixture[]) => {
  const resource: Record<string, Record<string, object>> = {};
  for (const { type, name, declared, component } of fixtures) {
    if (!declared) continue;
    const metadata = { path: `shop/${component}/${name}` };
    resource[type] = { ...resource[type], [name]: { ...declared, '//': { metadata } } };
  }
  const terraform = { backend: { local: { path: 'x' } } };
  return { name: 'shop', json: terraformJson.parse({ provider: { aws: [] }, terraform, resource }) };
};

export const inventoryFrom = (...fixtures: readonly Fixture[]): Inventory =>
  buildInventory(parseTerraformPlan(planJson(...fixtures)), stackOf(...fixtures).json.resource);

export type Case = readonly [
  title: string,
  fixtures: readonly Fixture[],
  expected: readonly RegExp[],
  unexpected?: readonly RegExp[],
];

/** A test for each case: what a part of the review says of some resources, and what it does not say. */
export const testCases = (
  write: (...fixtures: readonly Fixture[]) => string,
  cases: readonly Case[],
): void => {
  for (const [title, fixtures, expected, unexpected = []] of cases)
    test(title, () => {
      const text = write(...fixtures);
      for (const pattern of expected) assert.match(text, pattern);
      for (const pattern of unexpected) assert.doesNotMatch(text, pattern);
    });
};
