import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AwsError, arn, operation, secondsNow } from '../../../../scripts/aws-double/protocol.ts';
import {
  ACCOUNT,
  type Anything,
  anything,
  type MotoHandler,
  type Overlay,
  Tags,
  tagOperations,
  writtenTags,
} from './overlay.ts';

/** A kind of resource that moto does not store. */
interface ResourceKind {
  readonly name: string;
  /** Name of the service's exception for a missing one. */
  readonly missing: string;
  /** Names of operations, if they are not Create, Describe and Update plus the kind's name. */
  readonly operations?: { readonly read?: string; readonly update?: string };
  /** Field of a creation with the tags. @default Tags */
  readonly tagField?: string;
  /** The ARN, from the fields that name a resource in requests and in stored resources. */
  readonly arn: (named: Anything, region: string) => string;
  /** The resource to store for a creation. */
  readonly build: (request: Anything, region: string) => Anything;
  /** The changes of an update, with the fields that name the resource. @default the request */
  readonly change?: (request: Anything) => Anything;
  /** @throws AwsError if the resource may not be deleted yet */
  readonly beforeDelete?: (resource: Anything) => void;
  /** The answer to a creation or an update. @default nothing */
  readonly changed?: (resource: Anything) => object;
  /** The answer to a read. @default the resource */
  readonly described?: (resource: Anything) => object;
}

/** Stores the resources of a kind with their tags, and implements their operations. */
const keep = (kind: ResourceKind, tags = new Tags()) => {
  const { name, missing, tagField = 'Tags', changed = () => ({}), described = (resource) => resource } = kind;
  const { read = `Describe${name}`, update = `Update${name}` } = kind.operations ?? {};
  /** By ARN. */
  const resources = new Map<string, Anything>();
  const notFound = (arn: string) => new AwsError(missing, `${name} ${arn} does not exist`);
  const find = (named: Anything, region: string): Anything => {
    const arn = kind.arn(named, region);
    const found = resources.get(arn);
    if (!found) throw notFound(arn);
    return found;
  };

  const operations: Readonly<Record<string, MotoHandler>> = {
    [`Create${name}`]: operation(anything, ({ [tagField]: given = [], ...request }, { region }) => {
      const resource = kind.build(request, region);
      const arn = kind.arn(resource, region);
      resources.set(arn, resource);
      tags.add(arn, writtenTags.parse(given));
      return changed(resource);
    }),
    [read]: operation(anything, (request, { region }) => described(find(request, region))),
    [update]: operation(anything, (request, { region }) => {
      const change = kind.change?.(request) ?? request;
      const resource = { ...find(change, region), ...change };
      resources.set(kind.arn(resource, region), resource);
      return changed(resource);
    }),
    [`Delete${name}`]: operation(anything, (request, { region }) => {
      const resource = find(request, region);
      kind.beforeDelete?.(resource);
      const arn = kind.arn(resource, region);
      resources.delete(arn);
      tags.forget(arn);
      return {};
    }),
  };
  return { operations, resources, find, notFound, tags };
};

const text = z.string();

/** @param parts parts of the resource's path */
const arnOf = (service: string, region: string, ...parts: readonly unknown[]) =>
  arn({ region, account: ACCOUNT }, service, z.array(text).parse(parts).join('/'));

/** Moto only has three operations of CodeCommit, without tags and with times that SDKs refuse. */
export const codeCommit = (): Overlay => {
  const repositories = keep({
    name: 'Repository',
    missing: 'RepositoryDoesNotExistException',
    operations: { read: 'GetRepository', update: 'UpdateRepositoryDescription' },
    tagField: 'tags',
    arn: ({ repositoryName }, region) => arnOf('codecommit', region, repositoryName),
    build: (request, region) => {
      const cloneUrl = `//git-codecommit.${region}.amazonaws.com/v1/repos/${request['repositoryName']}`;
      return {
        ...request,
        repositoryId: randomUUID(),
        Arn: arnOf('codecommit', region, request['repositoryName']),
        cloneUrlHttp: `https:${cloneUrl}`,
        cloneUrlSsh: `ssh:${cloneUrl}`,
      };
    },
    changed: (repositoryMetadata) => ({ repositoryMetadata }),
    described: (repositoryMetadata) => ({ repositoryMetadata }),
  });
  const { operations, tags, notFound } = repositories;
  const fields = { arn: 'resourceArn', tags: 'tags', keys: 'tagKeys', asMap: true, notFound };
  return {
    service: 'CodeCommit_20150413',
    operations: { ...operations, ...tagOperations(tags, fields) },
  };
};

/** A stored budget: the request, with AWS's defaults for omitted fields. */
const toBudget = (given: unknown): Anything => {
  const request = z.looseObject({ BudgetName: text, BudgetType: text }).parse(given);
  const included =
    'Credit Discount OtherSubscription Recurring Refund Subscription Support Tax Upfront'.split(' ');
  const CostTypes = Object.fromEntries(included.map((name) => [`Include${name}`, true]));
  return {
    BudgetName: request.BudgetName,
    details: { CostTypes, ...request, LastUpdatedTime: secondsNow() },
  };
};

/** Moto has no tags, subscribers or updates of budgets. */
export const budgets = (): Overlay => {
  const missing = 'NotFoundException';
  const notificationsOf = ({ BudgetName }: Anything) =>
    [...notifications.resources].filter(([, each]) => each['BudgetName'] === BudgetName);
  const { operations, find, tags, notFound } = keep({
    name: 'Budget',
    missing,
    tagField: 'ResourceTags',
    arn: ({ BudgetName }) => `arn:aws:budgets::${ACCOUNT}:budget/${text.parse(BudgetName)}`,
    build: ({ Budget }) => toBudget(Budget),
    change: ({ NewBudget }) => toBudget(NewBudget),
    beforeDelete: (budget) => {
      for (const [key] of notificationsOf(budget)) notifications.resources.delete(key);
    },
    described: ({ details }) => ({ Budget: details }),
  });
  const notifications = keep({
    name: 'Notification',
    missing,
    operations: { read: 'DescribeSubscribersForNotification' },
    // It has no ARN, so its content identifies it.
    arn: ({ BudgetName, Notification }) =>
      JSON.stringify([BudgetName, Object.entries(anything.parse(Notification)).sort()]),
    build: (request, region) => {
      find(request, region);
      return request;
    },
    described: ({ Subscribers }) => ({ Subscribers }),
  });
  return {
    service: 'AWSBudgetServiceGateway',
    operations: {
      ...operations,
      ...notifications.operations,
      DescribeNotificationsForBudget: operation(anything, (request) => ({
        Notifications: notificationsOf(request).map(([, { Notification }]) => Notification),
      })),
      ...tagOperations(tags, {
        arn: 'ResourceARN',
        tags: 'ResourceTags',
        keys: 'ResourceTagKeys',
        notFound,
      }),
    },
  };
};

/** Moto lacks the saved queries of CloudWatch Logs. */
export const logQueries = (): Overlay => {
  const queries = new Map<string, Anything>();
  return {
    service: 'Logs_20140328',
    operations: {
      PutQueryDefinition: operation(anything, ({ queryDefinitionId = randomUUID(), ...query }) => {
        queries.set(String(queryDefinitionId), { queryDefinitionId, ...query });
        return { queryDefinitionId };
      }),
      DescribeQueryDefinitions: operation(anything, () => ({ queryDefinitions: [...queries.values()] })),
      DeleteQueryDefinition: operation(anything, ({ queryDefinitionId }) => ({
        success: queries.delete(String(queryDefinitionId)),
      })),
    },
  };
};

/**
 * Moto's domains lack the id in CreateDomain's response, updates and TagPropagation; it has no user profiles, and
 * cannot delete model package groups.
 *
 * @param tags store for their tags
 */
export const keptSageMaker = (tags: Tags): Readonly<Record<string, MotoHandler>> => {
  const missing = 'ResourceNotFound';
  const created = () => ({ Status: 'InService', CreationTime: secondsNow() });
  const domainArn = ({ DomainId }: Anything, region: string) =>
    arnOf('sagemaker', region, 'domain', DomainId);
  const profileArn = ({ DomainId, UserProfileName }: Anything, region: string) =>
    arnOf('sagemaker', region, 'user-profile', DomainId, UserProfileName);
  const profilesIn = (id: unknown) =>
    [...profiles.resources.values()].filter(({ DomainId }) => id === undefined || DomainId === id);

  const domains = keep(
    {
      name: 'Domain',
      missing,
      arn: domainArn,
      build: (request, region) => {
        const DomainId = `d-${randomBytes(6).toString('hex')}`;
        return {
          AppNetworkAccessType: 'PublicInternetOnly',
          TagPropagation: 'DISABLED',
          ...request,
          ...created(),
          DomainArn: domainArn({ DomainId }, region),
          DomainId,
          HomeEfsFileSystemId: `fs-${randomBytes(8).toString('hex')}`,
          Url: `https://${DomainId}.studio.${region}.sagemaker.aws`,
        };
      },
      change: ({ DomainSettingsForUpdate: DomainSettings, ...request }) => ({
        ...request,
        ...(DomainSettings !== undefined && { DomainSettings }),
      }),
      beforeDelete: ({ DomainId }) => {
        if (profilesIn(DomainId).length > 0)
          throw new AwsError('ResourceInUse', `Unable to delete Domain ${DomainId}: it has UserProfiles`);
      },
      changed: ({ DomainArn, DomainId, Url }) => ({ DomainArn, DomainId, Url }),
    },
    tags,
  );
  const profiles = keep(
    {
      name: 'UserProfile',
      missing,
      arn: profileArn,
      build: (request, region) => {
        domains.find(request, region);
        const UserProfileArn = profileArn(request, region);
        return { ...request, ...created(), UserProfileArn, HomeEfsFileSystemUid: '200005' };
      },
      changed: ({ UserProfileArn }) => ({ UserProfileArn }),
    },
    tags,
  );
  const groupArn = ({ ModelPackageGroupName }: Anything, region: string) =>
    arnOf('sagemaker', region, 'model-package-group', ModelPackageGroupName);
  const groups = keep(
    {
      name: 'ModelPackageGroup',
      missing: 'ValidationException',
      arn: groupArn,
      build: (request, region) => ({
        ...{ ...request, ModelPackageGroupStatus: 'Completed', CreationTime: secondsNow() },
        ModelPackageGroupArn: groupArn(request, region),
      }),
      changed: ({ ModelPackageGroupArn }) => ({ ModelPackageGroupArn }),
    },
    tags,
  );
  return {
    ...domains.operations,
    ...profiles.operations,
    ...groups.operations,
    // There are no applications or spaces in the emulator, but deleting a domain lists them.
    ListApps: operation(anything, () => ({ Apps: [] })),
    ListSpaces: operation(anything, () => ({ Spaces: [] })),
    ListDomains: operation(anything, () => ({ Domains: [...domains.resources.values()] })),
    ListUserProfiles: operation(anything, ({ DomainIdEquals }) => ({
      UserProfiles: profilesIn(DomainIdEquals),
    })),
  };
};
