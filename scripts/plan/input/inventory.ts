import { areaOf } from './areas.ts';
import { evaluate, type Resolve } from './expression.ts';
import { type Json, reach } from './json.ts';
import { type FutureResource, isFuture, type Resource, resourceOf } from './resource.ts';
import { maskedValues } from './sensitive.ts';
import type { SynthesizedStack } from './synthesized.ts';
import type { TerraformPlan } from './terraform-plan.ts';

const REFERENCE = /^([\w-]+\.[\w-]+)\.(.+)$/;
const ADDRESS_IN_TEXT = /\b[a-z]+_\w+\.[A-Za-z_][\w-]*/g;

const NEWS: Readonly<Record<string, string>> = {
  create: ' (new)',
  update: ' (changed)',
  replace: ' (replaced)',
};

/** All resources of a plan, and what refers to what. */
export interface Inventory {
  readonly resources: readonly Resource[];
  readonly ofType: (...types: readonly string[]) => readonly Resource[];
  /** Those of the types that are there after the plan. */
  readonly afterPlan: (...types: readonly string[]) => readonly FutureResource[];
  /** ` (new)` or ` (changed)`, for texts about what will be; nothing when everything is new. */
  readonly newsOf: (resource: Resource) => string;
  /** The resources that an attribute refers to. */
  readonly linked: (resource: Resource, attribute: string) => readonly Resource[];
}

const resolverOf = (plan: TerraformPlan): Resolve => {
  const changes = new Map(plan.resource_changes.map((entry) => [entry.address, entry.change]));
  return (reference) => {
    const [, address = '', attributes = ''] = REFERENCE.exec(reference) ?? [];
    const path = attributes.split(/[.[\]"]+/).filter(Boolean);
    const change = changes.get(address);
    if (!change?.after || path.length === 0) return undefined;
    // A null may be an attribute that is only known at apply; and what is secret stays out of every text.
    return reach(maskedValues(change.after, change.after_sensitive), path) ?? undefined;
  };
};

const identifiersOf = ({ before, after, type }: Resource): readonly Json[] => {
  const { id, arn, name, bucket } = before ?? after ?? {};
  const identifiers = [id, arn, name, type === 'aws_s3_bucket' ? bucket : undefined];
  return identifiers.flatMap((identifier) => identifier ?? []);
};

/** The settings of a bucket bear its id too; who refers to that id means the bucket. */
const withoutSettings = (resources: readonly Resource[]): readonly Resource[] =>
  resources.filter(({ type }) => !resources.some((other) => type.startsWith(`${other.type}_`)));

/** Brings the plan and the code together. */
export const inventoryOf = (plan: TerraformPlan, stack: SynthesizedStack): Inventory => {
  const resolve = resolverOf(plan);
  const resources = plan.resource_changes
    .filter(({ mode }) => mode === 'managed')
    .map((entry) => {
      const declared = stack.resources.get(`${entry.type}.${entry.name}`);
      return resourceOf(entry, areaOf(entry.name, declared, stack), declared, (value) =>
        evaluate(value, resolve),
      );
    });
  const byAddress = new Map(
    resources
      .filter(({ leftover }) => !leftover)
      .map((resource) => [`${resource.type}.${resource.name}`, resource]),
  );

  const linked = ({ declared, before }: Resource, attribute: string): readonly Resource[] => {
    const written = declared?.[attribute];
    if (written !== undefined) {
      const addresses = new Set(JSON.stringify(written).match(ADDRESS_IN_TEXT));
      const found = [...addresses].flatMap((address) => byAddress.get(address) ?? []);
      if (found.length > 0) return found;
    }
    const texts = JSON.stringify(written ?? before?.[attribute] ?? null);
    const named = resources.filter((other) =>
      identifiersOf(other).some((identifier) => texts.includes(JSON.stringify(identifier))),
    );
    return withoutSettings(named);
  };
  const isFirst = resources.every(({ before }) => before === undefined);
  return {
    resources,
    ofType: (...types) => resources.filter(({ type }) => types.includes(type)),
    afterPlan: (...types) => resources.filter(isFuture).filter(({ type }) => types.includes(type)),
    newsOf: ({ action }) => (isFirst ? '' : (NEWS[action] ?? '')),
    linked,
  };
};
