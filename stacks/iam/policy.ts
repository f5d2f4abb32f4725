type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface Statement {
  /** What it permits, in words; the reviewer reads it. Letters and digits only, as IAM demands. */
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Conditions;
}

export interface ResourceStatement extends Statement {
  /** @default Allow */
  readonly effect?: 'Allow' | 'Deny';
  readonly principal: '*' | { readonly service: string | readonly string[] } | { readonly aws: string };
}

/** IAM and every AWS service give a list of one back as a bare string; writing it so avoids a difference in each plan. */
const oneOrMany = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? (values[0] ?? '') : values;

const principalOf = (principal: ResourceStatement['principal']) => {
  if (principal === '*') return principal;
  return 'service' in principal ? { Service: principal.service } : { AWS: principal.aws };
};

const document = (statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

const common = ({ actions, resources, conditions }: Statement) => ({
  Action: oneOrMany(actions),
  Resource: oneOrMany(resources),
  ...(conditions ? { Condition: conditions } : {}),
});

/** A policy that is attached to a role. */
export const identityPolicy = (statements: readonly Statement[]): string =>
  document(statements.map((statement) => ({ Sid: statement.sid, Effect: 'Allow', ...common(statement) })));

/** A policy that is attached to a bucket, key or topic. */
export const resourcePolicy = (statements: readonly ResourceStatement[]): string =>
  document(
    statements.map(({ effect = 'Allow', principal, ...statement }) => ({
      Sid: statement.sid,
      Effect: effect,
      Principal: principalOf(principal),
      ...common(statement),
    })),
  );

/** Who may take on a role: one AWS service, and only on behalf of this account. */
export const trustPolicy = (service: string, account: string): string =>
  document([
    {
      Sid: 'OnlyForThisAccount',
      Effect: 'Allow',
      Principal: { Service: service },
      Action: 'sts:AssumeRole',
      // Otherwise another customer of the service could make it act here ("confused deputy").
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    },
  ]);
