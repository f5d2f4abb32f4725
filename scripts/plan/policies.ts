import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { displayName, type FutureResource, type Inventory, type Resource } from './inventory.ts';
import { getPath, isObject, type Json, parseStructure } from './terraform-plan.ts';

const oneOrMany = z.union([z.string().transform((value) => [value]), z.array(z.string())]).default([]);
const scalar = z.union([z.string(), z.boolean(), z.number()]).transform(String);

const principal = z
  .union([
    z.literal('*').transform(() => ['*']),
    z
      .record(z.string(), oneOrMany)
      .transform((byKind) =>
        Object.entries(byKind).flatMap(([kind, names]) =>
          names.map((name) => (kind === 'AWS' && name === '*' ? '*' : `${kind} ${name}`)),
        ),
      ),
  ])
  .default([]);

const conditions = z
  .record(
    z.string(),
    z.record(
      z.string(),
      z.union([scalar, z.array(scalar)]).transform((value) => [value].flat()),
    ),
  )
  .transform((byOperator) =>
    Object.entries(byOperator).flatMap(([operator, byKey]) =>
      Object.entries(byKey).map(([key, values]) => ({ operator, key, values })),
    ),
  )
  .default([]);

const statement = z.object({
  Sid: z.string().default(''),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal,
  NotPrincipal: principal,
  Action: oneOrMany,
  NotAction: oneOrMany,
  Resource: oneOrMany,
  NotResource: oneOrMany,
  Condition: conditions,
});

const document = z.looseObject({
  Statement: z.union([z.array(statement), statement.transform((one) => [one])]),
});

/** One statement of an IAM policy. Source: "IAM JSON policy elements reference". */
export type ParsedStatement = z.output<typeof statement>;

/** @returns the statements of a policy in JSON; nothing when the text is not a policy */
const parsePolicy = (policy: Json | undefined): readonly ParsedStatement[] | undefined => {
  const structure = typeof policy === 'string' ? parseStructure(policy) : policy;
  return document.safeParse(structure).data?.Statement;
};

const WILDCARD = /[*?]/;

/**
 * Reasons why a statement is overly broad; empty when everything is named. A denial is never too broad.
 *
 * @param ofResource whether it is a resource policy, in which `*` means that resource only
 */
const broadness = (statement: ParsedStatement, ofResource: boolean): readonly string[] => {
  if (statement.Effect === 'Deny') return [];
  const { Action, Resource, Principal, NotAction, NotResource, NotPrincipal } = statement;
  const whole = Action.filter((action) => action === '*' || action.endsWith(':*'));
  const partly = Action.filter((action) => WILDCARD.test(action) && !whole.includes(action));
  return [
    ...(Principal.includes('*') || NotPrincipal.length > 0 ? ['anyone'] : []),
    ...(NotAction.length > 0 || whole.includes('*') ? ['every action'] : []),
    ...whole.filter((action) => action !== '*').map((action) => `every action of ${action.split(':')[0]}`),
    ...(partly.length > 0 ? ['wildcard in actions'] : []),
    ...(!ofResource && (Resource.includes('*') || NotResource.length > 0) ? ['every resource'] : []),
  ];
};

export interface ReviewedStatement {
  readonly statement: ParsedStatement;
  readonly status: 'new' | 'unchanged' | 'removed';
  readonly broad: readonly string[];
}

export interface Policy {
  readonly resource: Resource;
  readonly kind: 'trust' | 'identity' | 'resource';
  /** The role that has the permissions, or the bucket or key that they are for. */
  readonly holders: readonly Resource[];
  /** The holder's name, even when it is not part of the plan. */
  readonly holderName: string;
  readonly statements: readonly ReviewedStatement[];
}

/** Attributes that name a policy's holder. */
const ATTACHED_TO = ['role', 'bucket', 'arn'];

const findHolders = (resource: Resource, inventory: Inventory): readonly Resource[] => {
  if (resource.type === 'aws_iam_policy')
    return inventory
      .ofType('aws_iam_role_policy_attachment')
      .filter((attachment) => inventory.linked(attachment, 'policy_arn').includes(resource))
      .flatMap((attachment) => inventory.linked(attachment, 'role'));
  const attribute = ATTACHED_TO.find((name) => resource.declared?.[name] !== undefined);
  const isAttachment = resource.type.endsWith('_policy') && attribute !== undefined;
  return isAttachment ? inventory.linked(resource, attribute) : [resource];
};

const nameHolders = (resource: FutureResource, holders: readonly Resource[]): string => {
  const role = resource.after['role'];
  const outside = typeof role === 'string' && !role.startsWith('${') ? role : displayName(resource);
  return holders.map(displayName).filter(Boolean).join(', ') || outside || resource.address;
};

const compareStatements = (
  before: readonly ParsedStatement[],
  after: readonly ParsedStatement[],
  ofResource: boolean,
): readonly ReviewedStatement[] => {
  const isAmong = (statement: ParsedStatement, others: readonly ParsedStatement[]) =>
    others.some((other) => isDeepStrictEqual(other, statement));
  return [
    ...after.map((statement) => ({
      statement,
      status: isAmong(statement, before) ? ('unchanged' as const) : ('new' as const),
      broad: broadness(statement, ofResource),
    })),
    ...before
      .filter((statement) => !isAmong(statement, after))
      .map((statement) => ({ statement, status: 'removed' as const, broad: [] })),
  ];
};

interface PolicyText {
  readonly path: readonly (string | number)[];
  readonly value: Json;
}

/** Every policy inside a resource, as text or as a structure. */
const findPolicyTexts = (value: Json, path: PolicyText['path'] = []): readonly PolicyText[] => {
  if (parsePolicy(value)) return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => findPolicyTexts(item, [...path, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => findPolicyTexts(item, [...path, key]));
};

const readPolicy = (resource: FutureResource, { path, value }: PolicyText, inventory: Inventory): Policy => {
  const holders = findHolders(resource, inventory);
  const [before = [], after = []] = [getPath(resource.before, path), value].map(parsePolicy);
  const isIdentity = resource.type.startsWith('aws_iam_');
  const kind = path[0] === 'assume_role_policy' ? 'trust' : isIdentity ? 'identity' : 'resource';
  return {
    resource,
    kind,
    holders,
    holderName: nameHolders(resource, holders),
    statements: compareStatements(before, after, kind !== 'identity'),
  };
};

/** Every policy that exists after the plan, in any attribute of any resource. */
export const plannedPolicies = (inventory: Inventory): readonly Policy[] =>
  inventory
    .afterPlan()
    .flatMap((resource) =>
      findPolicyTexts({ ...resource.after }).map((text) => readPolicy(resource, text, inventory)),
    );

export const isPolicyChanged = ({ resource, statements }: Policy): boolean =>
  ['create', 'replace'].includes(resource.action) ||
  (resource.action === 'update' && statements.some(({ status }) => status !== 'unchanged'));

/** Types that always hold a policy, so that one that cannot be read yet is noticed. */
const WITH_POLICY = /^aws_(iam_policy|iam_role|iam_role_policy|s3_bucket_policy|sns_topic_policy)$/;

/** Holders of new or changed policies whose text is only known at apply. */
export const unreadPolicies = (inventory: Inventory): readonly string[] =>
  inventory.afterPlan().flatMap((resource) => {
    const text = resource.after[resource.type === 'aws_iam_role' ? 'assume_role_policy' : 'policy'];
    const isChanged = ['create', 'update', 'replace'].includes(resource.action);
    if (!WITH_POLICY.test(resource.type) || !isChanged || parsePolicy(text)) return [];
    return [nameHolders(resource, findHolders(resource, inventory))];
  });

/** New or changed attachments of policies that AWS maintains, which have no text in a plan. */
export const managedPolicies = (inventory: Inventory) =>
  inventory.afterPlan('aws_iam_role_policy_attachment').flatMap((attachment) => {
    const { policy_arn: arn, role } = attachment.after;
    const isChanged = ['create', 'update', 'replace'].includes(attachment.action);
    if (!isChanged || typeof arn !== 'string' || !arn.includes(':iam::aws:policy/')) return [];
    return { holder: inventory.linked(attachment, 'role').map(displayName)[0] ?? String(role), arn };
  });
