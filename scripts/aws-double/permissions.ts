import { AwsError } from './protocol.ts';

/** A statement of an IAM policy that allows; its texts may hold `*`. */
export interface AllowStatement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export const ALLOW_EVERYTHING: readonly AllowStatement[] = [{ actions: ['*'], resources: ['*'] }];

const matches = (pattern: string, text: string): boolean => {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`).test(text);
};

/** Whoever calls an operation, with the permissions that the double was given for them. */
export class Caller {
  readonly #statements: readonly AllowStatement[];

  constructor(statements: readonly AllowStatement[]) {
    this.#statements = statements;
  }

  /**
   * Every operation asserts what IAM demands for it. Source: "Actions, resources, and condition keys", IAM's reference.
   *
   * @param context values of condition keys
   * @throws AwsError AccessDeniedException, unless a statement allows it
   */
  assertAllowed(action: string, resource: string, context: Readonly<Record<string, string>> = {}): void {
    const isMet = (conditions: AllowStatement['conditions'] = {}): boolean =>
      Object.entries(conditions).every(
        ([operator, keys]) =>
          operator === 'StringEquals' &&
          Object.entries(keys).every(([key, value]) => [value].flat().includes(context[key] ?? '')),
      );
    const allowed = this.#statements.some(
      ({ actions, resources, conditions }) =>
        actions.some((pattern) => matches(pattern, action)) &&
        resources.some((pattern) => matches(pattern, resource)) &&
        isMet(conditions),
    );
    if (!allowed)
      throw new AwsError(
        'AccessDeniedException',
        `The caller is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
      );
  }
}
