import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ACCOUNT, AwsError, now, type Overlay, operation } from '../aws-json.ts';
import { Tags, tagMap } from '../tags.ts';

interface Repository {
  readonly accountId: string;
  readonly repositoryId: string;
  readonly repositoryName: string;
  readonly repositoryDescription?: string | undefined;
  readonly Arn: string;
  readonly cloneUrlHttp: string;
  readonly cloneUrlSsh: string;
  readonly creationDate: number;
  readonly lastModifiedDate: number;
}

const named = z.object({ repositoryName: z.string().regex(/^[\w.-]{1,100}$/) });
const described = named.extend({ repositoryDescription: z.string().max(1000).optional() });
const resource = z.object({ resourceArn: z.string() });

const arnOf = (region: string, name: string) => `arn:aws:codecommit:${region}:${ACCOUNT}:${name}`;

const create = (region: string, { repositoryName, repositoryDescription }: z.infer<typeof described>) => {
  const path = `git-codecommit.${region}.amazonaws.com/v1/repos/${repositoryName}`;
  return {
    accountId: ACCOUNT,
    repositoryId: randomUUID(),
    repositoryName,
    repositoryDescription,
    Arn: arnOf(region, repositoryName),
    cloneUrlHttp: `https://${path}`,
    cloneUrlSsh: `ssh://${path}`,
    creationDate: now(),
    lastModifiedDate: now(),
  };
};

/** Moto has three operations of CodeCommit, without tags and with times that SDKs refuse: all of it is kept here. */
export const codeCommit = (): Overlay => {
  const repositories = new Map<string, Repository>();
  const tags = new Tags();
  const find = (arn: string): Repository => {
    const found = repositories.get(arn);
    if (!found) throw new AwsError('RepositoryDoesNotExistException', `${arn} does not exist`);
    return found;
  };
  return {
    service: 'CodeCommit_20150413',
    operations: {
      CreateRepository: operation(described.extend({ tags: tagMap.default({}) }), (input, { region }) => {
        const arn = arnOf(region, input.repositoryName);
        if (repositories.has(arn)) {
          const message = `Repository named ${input.repositoryName} already exists`;
          throw new AwsError('RepositoryNameExistsException', message);
        }
        const repositoryMetadata = create(region, input);
        repositories.set(arn, repositoryMetadata);
        tags.add(arn, input.tags);
        return { repositoryMetadata };
      }),
      GetRepository: operation(named, ({ repositoryName }, { region }) => ({
        repositoryMetadata: find(arnOf(region, repositoryName)),
      })),
      UpdateRepositoryDescription: operation(described, (input, { region }) => {
        const repository = find(arnOf(region, input.repositoryName));
        const { repositoryDescription } = input;
        repositories.set(repository.Arn, { ...repository, repositoryDescription, lastModifiedDate: now() });
        return {};
      }),
      ListRepositories: operation(z.object({}), (_, { region }) => ({
        repositories: [...repositories.values()]
          .filter(({ Arn, repositoryName }) => Arn === arnOf(region, repositoryName))
          .map(({ repositoryId, repositoryName }) => ({ repositoryId, repositoryName })),
      })),
      DeleteRepository: operation(named, ({ repositoryName }, { region }) => {
        const arn = arnOf(region, repositoryName);
        const repositoryId = repositories.get(arn)?.repositoryId;
        repositories.delete(arn);
        tags.forget(arn);
        return { repositoryId };
      }),
      ListTagsForResource: operation(resource, ({ resourceArn }) => ({
        tags: tags.of(find(resourceArn).Arn),
      })),
      TagResource: operation(resource.extend({ tags: tagMap }), (input) => {
        tags.add(find(input.resourceArn).Arn, input.tags);
        return {};
      }),
      UntagResource: operation(resource.extend({ tagKeys: z.array(z.string()) }), (input) => {
        tags.remove(find(input.resourceArn).Arn, input.tagKeys);
        return {};
      }),
    },
  };
};
