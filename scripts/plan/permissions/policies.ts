import { isDeepStrictEqual } from 'node:util';
import type { Inventory } from '../input/inventory.ts';
import { isObject, type Json, reach } from '../input/json.ts';
import { nameOf, type Resource } from '../input/resource.ts';
import { parsePolicy, type Statement } from './statements.ts';

/** Attributes that always hold a policy, so that one which cannot be read yet is missed by nobody. */
const POLICY_ATTRIBUTES: Readonly<Record<string, string>> = {
  aws_cloudwatch_log_resource_policy: 'policy_document',
  aws_ecr_registry_policy: 'policy',
  aws_ecr_repository_policy: 'policy',
  aws_iam_policy: 'policy',
  aws_iam_role: 'assume_role_policy',
  aws_iam_role_policy: 'policy',
  aws_kms_key_policy: 'policy',
  aws_s3_bucket_policy: 'policy',
  aws_secretsmanager_secret_policy: 'policy',
  aws_sns_topic_policy: 'policy',
  aws_sqs_queue_policy: 'policy',
};

/** Attributes of the resources above that name what the policy is attached to. */
const ATTACHED_BY = ['role', 'bucket', 'key_id', 'repository', 'arn', 'queue_url', 'secret_arn'];

export type PolicyKind = 'trust' | 'identity' | 'resource';

export interface ReviewedStatement {
  readonly statement: Statement;
  readonly status: 'new' | 'unchanged' | 'removed';
}

/** A policy that the plan creates or changes. */
export interface Policy {
  readonly resource: Resource;
  readonly kind: PolicyKind;
  /** Who has the permissions, or what they are about: a role, a bucket, a key. */
  readonly holders: readonly Resource[];
  /** The holder's name, when it is not part of the plan. */
  readonly holderName: string;
  readonly statements: readonly ReviewedStatement[];
  /** What stands in the code, when the policy is only known at apply. */
  readonly unread: string | undefined;
}

const kindOf = ({ type }: Resource, attribute: string): PolicyKind => {
  if (attribute === 'assume_role_policy') return 'trust';
  return type.startsWith('aws_iam_') ? 'identity' : 'resource';
};

const holdersOf = (resource: Resource, inventory: Inventory): readonly Resource[] => {
  if (resource.type === 'aws_iam_policy')
    return inventory
      .ofType('aws_iam_role_policy_attachment')
      .filter((attachment) => inventory.linked(attachment, 'policy_arn').includes(resource))
      .flatMap((attachment) => inventory.linked(attachment, 'role'));
  const attribute = ATTACHED_BY.find((name) => resource.declared?.[name] !== undefined);
  const isAttachment = resource.type.endsWith('_policy') && attribute !== undefined;
  return isAttachment ? inventory.linked(resource, attribute) : [resource];
};

const compared = (
  before: readonly Statement[],
  after: readonly Statement[],
): readonly ReviewedStatement[] => {
  const among = (statement: Statement, others: readonly Statement[]) =>
    others.some((other) => isDeepStrictEqual(other, statement));
  return [
    ...after.map(
      (statement) => ({ statement, status: among(statement, before) ? 'unchanged' : 'new' }) as const,
    ),
    ...before
      .filter((statement) => !among(statement, after))
      .map((statement) => ({ statement, status: 'removed' }) as const),
  ];
};

interface Place {
  readonly path: readonly (string | number)[];
  readonly value: Json;
}

/** Every text and structure in the resource that is a policy, and what should be one. */
const placesIn = (value: Json, path: Place['path'] = []): readonly Place[] => {
  if (parsePolicy(value)) return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => placesIn(item, [...path, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => placesIn(item, [...path, key]));
};

const holderNameOf = (resource: Resource, holders: readonly Resource[]): string => {
  const role = resource.after?.['role'];
  const outside = typeof role === 'string' && !role.startsWith('${') ? role : nameOf(resource);
  return holders.map(nameOf).filter(Boolean).join(', ') || outside || resource.address;
};

const reviewed = (resource: Resource, { path, value }: Place, inventory: Inventory): Policy => {
  const holders = holdersOf(resource, inventory);
  const after = parsePolicy(value);
  return {
    resource,
    kind: kindOf(resource, String(path[0])),
    holders,
    holderName: holderNameOf(resource, holders),
    statements: after ? compared(parsePolicy(reach(resource.before, path)) ?? [], after) : [],
    unread: after ? undefined : String(value),
  };
};

const isNews = ({ resource, statements, unread }: Policy): boolean =>
  ['create', 'replace'].includes(resource.action) ||
  (resource.action === 'update' &&
    (unread !== undefined || statements.some(({ status }) => status !== 'unchanged')));

/** Every policy that there will be after the plan, in whichever attribute of whichever resource it stands. */
export const allPoliciesOf = (inventory: Inventory): readonly Policy[] =>
  inventory.resources.flatMap((resource) => {
    if (!resource.after) return [];
    const places = placesIn({ ...resource.after });
    const expected = POLICY_ATTRIBUTES[resource.type];
    const isMissing = expected !== undefined && places.every(({ path }) => path[0] !== expected);
    const missing = isMissing
      ? [{ path: [expected], value: resource.after[expected] ?? '(known after apply)' }]
      : [];
    return [...places, ...missing].map((place) => reviewed(resource, place, inventory));
  });

/** Every policy that the plan creates or changes. */
export const policiesOf = (inventory: Inventory): readonly Policy[] =>
  allPoliciesOf(inventory).filter(isNews);
