import { z } from 'zod';
import { type Json, parseStructure } from '../input/json.ts';

const oneOrMany = z.union([z.string().transform((value) => [value]), z.array(z.string())]).default([]);
const textOrMany = z
  .union([z.string(), z.boolean(), z.number()])
  .transform(String)
  .or(z.array(z.union([z.string(), z.boolean(), z.number()]).transform(String)))
  .transform((value) => [value].flat());

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

const statement = z
  .looseObject({
    Sid: z.string().default(''),
    Effect: z.enum(['Allow', 'Deny']),
    Principal: principal,
    NotPrincipal: principal,
    Action: oneOrMany,
    NotAction: oneOrMany,
    Resource: oneOrMany,
    NotResource: oneOrMany,
    Condition: z.record(z.string(), z.record(z.string(), textOrMany)).default({}),
  })
  .transform((raw) => ({
    sid: raw.Sid,
    effect: raw.Effect,
    principals: raw.Principal,
    exceptPrincipals: raw.NotPrincipal,
    actions: raw.Action,
    exceptActions: raw.NotAction,
    resources: raw.Resource,
    exceptResources: raw.NotResource,
    conditions: Object.entries(raw.Condition).flatMap(([operator, byKey]) =>
      Object.entries(byKey).map(([key, values]) => ({ operator, key, values })),
    ),
  }));

const document = z.looseObject({
  Statement: z.union([z.array(statement), statement.transform((one) => [one])]),
});

/** One statement of an IAM policy. Source: "IAM JSON policy elements reference". */
export type Statement = z.output<typeof statement>;

/** @returns the statements of a policy in JSON; nothing when the text is no policy */
export const parsePolicy = (policy: Json | undefined): readonly Statement[] | undefined => {
  const structure = typeof policy === 'string' ? parseStructure(policy) : policy;
  return document.safeParse(structure).data?.Statement;
};

const WILDCARD = /[*?]/;

/**
 * What makes a statement wider than naming things one by one; empty when nothing does. A refusal is never too wide.
 *
 * @param ofResource the policy is attached to the resource that it speaks of, where `*` is that resource only
 */
export const widths = (statement: Statement, ofResource: boolean): readonly string[] => {
  if (statement.effect === 'Deny') return [];
  const { actions, resources, principals, exceptActions, exceptResources, exceptPrincipals } = statement;
  const whole = actions.filter((action) => action === '*' || action.endsWith(':*'));
  const partly = actions.filter((action) => WILDCARD.test(action) && !whole.includes(action));
  return [
    ...(principals.includes('*') || exceptPrincipals.length > 0 ? ['anyone'] : []),
    ...(exceptActions.length > 0 || whole.includes('*') ? ['every action'] : []),
    ...whole.filter((action) => action !== '*').map((action) => `every action of ${action.split(':')[0]}`),
    ...(partly.length > 0 ? ['wildcard in actions'] : []),
    ...(!ofResource && (resources.includes('*') || exceptResources.length > 0) ? ['every resource'] : []),
  ];
};
