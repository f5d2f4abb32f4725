type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface PolicyStatement {
  /** What it permits, for reviewers. IAM only allows letters and digits. */
  readonly sid: string;
  /** Separated by blanks; an action without a service has that of the one before: `ecs:RegisterTaskDefinition TagResource`. */
  readonly actions: string;
  readonly resources: readonly string[];
  readonly conditions?: Conditions;
}

export interface ResourceStatement extends PolicyStatement {
  /** @default Allow */
  readonly effect?: 'Allow' | 'Deny';
  readonly principal: '*' | { readonly service: string | readonly string[] } | { readonly aws: string };
}

/** `s3:GetObject PutObject` becomes `['s3:GetObject', 's3:PutObject']`. */
const splitActions = (text: string): readonly string[] => {
  let service = '';
  return text.split(/\s+/).map((word) => {
    if (!word.includes(':')) return `${service}:${word}`;
    service = word.split(':', 1).join();
    return word;
  });
};

/** AWS returns a list with one item as a string; writing it that way avoids a difference in every plan. */
const oneOrMany = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? (values[0] ?? '') : values;

const principalElement = (principal: ResourceStatement['principal']) => {
  if (principal === '*') return principal;
  return 'service' in principal ? { Service: principal.service } : { AWS: principal.aws };
};

const document = (statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

const common = ({ actions, resources, conditions }: PolicyStatement) => ({
  Action: oneOrMany(splitActions(actions)),
  Resource: oneOrMany(resources),
  ...(conditions ? { Condition: conditions } : {}),
});

/**
 * A policy that is attached to a role.
 *
 * @example
 * const statement = { sid: 'ListPhotos', actions: 's3:ListBucket', resources: ['arn:aws:s3:::photos'] };
 * JSON.parse(identityPolicy([statement])).Statement[0].Action; // => 's3:ListBucket'
 */
export const identityPolicy = (statements: readonly PolicyStatement[]): string =>
  document(statements.map((statement) => ({ Sid: statement.sid, Effect: 'Allow', ...common(statement) })));

/** A policy that is attached to a bucket, key or topic. */
export const resourcePolicy = (statements: readonly ResourceStatement[]): string =>
  document(
    statements.map(({ effect = 'Allow', principal, ...statement }) => ({
      Sid: statement.sid,
      Effect: effect,
      Principal: principalElement(principal),
      ...common(statement),
    })),
  );

/** Who may assume a role: one AWS service, and only on behalf of this account. */
export const trustPolicy = (service: string, account: string): string =>
  document([
    {
      Sid: 'OnlyForThisAccount',
      Effect: 'Allow',
      Principal: { Service: service },
      Action: 'sts:AssumeRole',
      // Otherwise another customer of the service could make it act in this account ("confused deputy").
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    },
  ]);

const LISTED_BY_STUDIO = 'Studio lists what there is in the account before it opens any of it';

/** The only actions that are granted on every resource, and why AWS allows nothing narrower. */
export const UNRESTRICTED_ACTIONS: Readonly<Record<string, string>> = {
  'cloudwatch:PutMetricData':
    'AWS knows no resource for it; a condition limits it to the namespaces of SageMaker',
  'ecr:GetAuthorizationToken':
    'the token is for all registries; what may be pulled or pushed is granted by name',
  'ecr-public:GetAuthorizationToken': 'AWS knows no resource for it',
  'ecs:DescribeTaskDefinition': 'AWS knows no resource for it',
  'ecs:ListTasks':
    'its resource is a container instance, and Fargate has none; a condition limits it to the cluster',
  'sagemaker:ListApps': LISTED_BY_STUDIO,
  'sagemaker:ListDomains': LISTED_BY_STUDIO,
  'sagemaker:ListEndpointConfigs': 'AWS knows no resource for it',
  'sagemaker:ListModelPackageGroups': LISTED_BY_STUDIO,
  'sagemaker:ListModelPackages': LISTED_BY_STUDIO,
  'sagemaker:ListPipelines': LISTED_BY_STUDIO,
  'sagemaker:ListSpaces': LISTED_BY_STUDIO,
  'sagemaker:ListUserProfiles': LISTED_BY_STUDIO,
  'sts:GetServiceBearerToken': 'AWS knows no resource for it; a condition limits it to the public registry',
};
