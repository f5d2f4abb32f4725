import { displayName, isReplacedOrDestroyed, type Resource } from './inventory.ts';
import bySeverity from './resource-types.json' with { type: 'json' };
import { type Attributes, getPath } from './terraform-plan.ts';

const SEVERITIES = ['data', 'endpoint-change', 'outage', 'harmless'] as const;

/**
 * How bad it is when a resource is replaced or destroyed.
 * - `data`: what it stores is lost.
 * - `endpoint-change`: others have written its name or address down, and a new one differs.
 * - `outage`: something does not work until it is recreated.
 * - `harmless`: nothing stops working.
 */
export type Severity = (typeof SEVERITIES)[number];

interface ResourceType {
  readonly severity: Severity;
  /** As AWS calls it. */
  readonly label: string;
  /** What it means that one is replaced or destroyed. */
  readonly meaning: string;
}

const REFUSED = 'AWS refuses, and the apply fails, while anything is in it';

/** What this review knows of the types in a plan, which are those that the stack uses. */
export const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = Object.fromEntries(
  SEVERITIES.flatMap((severity) =>
    Object.entries(bySeverity[severity]).map(
      ([type, [label = '', meaning = '']]) => [type, { severity, label, meaning }] as const,
    ),
  ),
);

/** `aws_x_y` as AWS calls it, or the type's own words. */
export const resourceTypeLabel = (type: string): string =>
  RESOURCE_TYPES[type]?.label ?? type.replace(/^[a-z]+_/, '').replaceAll('_', ' ');

/** Something with data, or with an address that others keep, which the plan removes. */
export interface Loss {
  readonly address: string;
  readonly what: string;
  readonly name: string;
  readonly action: 'replace' | 'destroy';
  readonly lost: string;
}

/** What becomes of what is lost, where a resource's own settings decide it. */
const BY_SETTINGS: Readonly<Record<string, (before: Attributes) => string | false>> = {
  aws_ecr_repository: ({ force_delete }) => force_delete === false && REFUSED,
  aws_kms_key: ({ deletion_window_in_days: days }) =>
    days !== undefined && `the deletion can be cancelled within ${days} days`,
  aws_s3_bucket: ({ force_destroy }) => force_destroy === false && REFUSED,
  aws_sagemaker_domain: (domain) =>
    getPath(domain['retention_policy'], [0, 'home_efs_file_system']) === 'Retain' &&
    'they are: in an EFS file system without a domain',
};

/** Whatever the plan would lose for good. What was never finished holds nothing. */
export const findLosses = (resources: readonly Resource[]): readonly Loss[] =>
  resources.filter(isReplacedOrDestroyed).flatMap(({ address, type, before = {}, action, unfinished }) => {
    if (unfinished) return [];
    const settled = BY_SETTINGS[type]?.(before);
    const known = RESOURCE_TYPES[type];
    if (known?.severity !== 'data' && known?.severity !== 'endpoint-change') return [];
    return {
      address,
      what: known.label,
      name: displayName({ before, after: undefined }),
      action: action === 'replace' ? 'replace' : 'destroy',
      lost: settled ? `${known.meaning}; ${settled}` : known.meaning,
    };
  });
