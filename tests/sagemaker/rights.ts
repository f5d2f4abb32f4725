import { AwsError } from './aws-error.ts';

/** A statement of an IAM policy that allows; its texts may hold `*`. */
export interface AllowStatement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** One thing that a call does, as IAM sees it. */
export interface Deed {
  readonly action: string;
  readonly resource: string;
  /** Values of condition keys. */
  readonly context?: Readonly<Record<string, string>>;
}

export const EVERYTHING: readonly AllowStatement[] = [{ actions: ['*'], resources: ['*'] }];

const matches = (pattern: string, text: string): boolean => {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`).test(text);
};

const isMet = (conditions: AllowStatement['conditions'], context: Deed['context'] = {}): boolean =>
  Object.entries(conditions ?? {}).every(
    ([operator, keys]) =>
      operator === 'StringEquals' &&
      Object.entries(keys).every(([key, value]) => [value].flat().includes(context[key] ?? '')),
  );

/** @throws AwsError AccessDeniedException, unless some statement allows it */
export const demandRight = (
  statements: readonly AllowStatement[],
  { action, resource, context }: Deed,
): void => {
  const allowed = statements.some(
    ({ actions, resources, conditions }) =>
      actions.some((pattern) => matches(pattern, action)) &&
      resources.some((pattern) => matches(pattern, resource)) &&
      isMet(conditions, context),
  );
  if (!allowed)
    throw new AwsError(
      'AccessDeniedException',
      `The role of the test is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
    );
};
