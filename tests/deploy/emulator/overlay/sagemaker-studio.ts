import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ACCOUNT, type Anything, AwsError, anything, type Handler, now, operation } from '../aws-json.ts';
import { type Tags, tagList, toMap } from '../tags.ts';

const domainId = z.object({ DomainId: z.string() });
const profileId = domainId.extend({ UserProfileName: z.string() });
const domainFilter = z.looseObject({ DomainIdEquals: z.string() });
const domain = z.looseObject({
  DomainName: z.string(),
  AuthMode: z.enum(['IAM', 'SSO']),
  DefaultUserSettings: anything,
  Tags: tagList.default([]),
});
const domainChange = domainId.extend({ DomainSettingsForUpdate: anything.optional() }).catchall(z.unknown());
const profile = profileId.extend({ UserSettings: anything.default({}), Tags: tagList.default([]) });
const profileChange = profileId.extend({ UserSettings: anything.default({}) });

interface Domain extends Anything {
  readonly DomainArn: string;
  readonly DomainId: string;
  readonly DomainName: string;
}
interface Profile extends Anything {
  readonly DomainId: string;
  readonly UserProfileArn: string;
  readonly UserProfileName: string;
  readonly UserSettings: Anything;
}

const started = () => ({ Status: 'InService', CreationTime: now(), LastModifiedTime: now() });
const arnOf = (region: string, resource: string) => `arn:aws:sagemaker:${region}:${ACCOUNT}:${resource}`;
const notFound = (what: string) => new AwsError('ResourceNotFound', `${what} does not exist`);
const inUse = (message: string) => new AwsError('ResourceInUse', message);

/**
 * Moto's domains lack their id in CreateDomain's answer, an update and TagPropagation, and it has no user profiles:
 * both are kept here.
 *
 * @param tags where the tags of domains and profiles are put
 */
export const sageMakerStudio = (tags: Tags): Readonly<Record<string, Handler>> => {
  const domains = new Map<string, Domain>();
  const profiles = new Map<string, Profile>();

  const profileKey = ({ DomainId, UserProfileName }: z.infer<typeof profileId>) =>
    `${DomainId}/${UserProfileName}`;
  const profilesIn = (id: string) => [...profiles.values()].filter(({ DomainId }) => DomainId === id);
  const findDomain = (id: string): Domain => {
    const found = domains.get(id);
    if (!found) throw notFound(`Domain ${id}`);
    return found;
  };
  const findProfile = (id: z.infer<typeof profileId>): Profile => {
    const found = profiles.get(profileKey(id));
    if (!found) throw notFound(`UserProfile ${id.UserProfileName}`);
    return found;
  };

  return {
    // Nobody starts an application or makes a space in the emulator, but whoever deletes a domain asks for them.
    ListApps: operation(domainFilter, () => ({ Apps: [] })),
    ListSpaces: operation(domainFilter, () => ({ Spaces: [] })),
    CreateDomain: operation(domain, ({ Tags, ...input }, { region }) => {
      for (const { DomainName } of domains.values())
        if (DomainName === input.DomainName) throw inUse(`Domain with name ${DomainName} already exists`);
      const DomainId = `d-${randomBytes(6).toString('hex')}`;
      const DomainArn = arnOf(region, `domain/${DomainId}`);
      const Url = `https://${DomainId}.studio.${region}.sagemaker.aws`;
      domains.set(DomainId, {
        AppNetworkAccessType: 'PublicInternetOnly',
        TagPropagation: 'DISABLED',
        ...input,
        ...started(),
        DomainArn,
        DomainId,
        HomeEfsFileSystemId: `fs-${randomBytes(8).toString('hex')}`,
        Url,
      });
      tags.add(DomainArn, toMap(Tags));
      return { DomainArn, DomainId, Url };
    }),
    DescribeDomain: operation(domainId, ({ DomainId }) => findDomain(DomainId)),
    ListDomains: operation(z.unknown(), () => ({ Domains: [...domains.values()] })),
    UpdateDomain: operation(domainChange, ({ DomainSettingsForUpdate, ...input }) => {
      const current = findDomain(input.DomainId);
      const settings = DomainSettingsForUpdate && { DomainSettings: DomainSettingsForUpdate };
      domains.set(input.DomainId, { ...current, ...input, ...settings, LastModifiedTime: now() });
      return { DomainArn: current.DomainArn };
    }),
    DeleteDomain: operation(domainId, ({ DomainId }) => {
      const { DomainArn } = findDomain(DomainId);
      if (profilesIn(DomainId).length > 0)
        throw inUse(`Unable to delete Domain ${DomainId}: UserProfiles belong to it`);
      domains.delete(DomainId);
      tags.forget(DomainArn);
      return {};
    }),
    CreateUserProfile: operation(profile, ({ Tags, ...input }, { region }) => {
      findDomain(input.DomainId);
      if (profiles.has(profileKey(input))) throw inUse(`UserProfile ${input.UserProfileName} already exists`);
      const UserProfileArn = arnOf(region, `user-profile/${profileKey(input)}`);
      profiles.set(profileKey(input), {
        ...input,
        ...started(),
        UserProfileArn,
        HomeEfsFileSystemUid: '200005',
      });
      tags.add(UserProfileArn, toMap(Tags));
      return { UserProfileArn };
    }),
    DescribeUserProfile: operation(profileId, findProfile),
    ListUserProfiles: operation(z.object({ DomainIdEquals: z.string().optional() }), (input) => ({
      UserProfiles: input.DomainIdEquals ? profilesIn(input.DomainIdEquals) : [...profiles.values()],
    })),
    UpdateUserProfile: operation(profileChange, (input) => {
      const current = findProfile(input);
      profiles.set(profileKey(input), {
        ...current,
        UserSettings: { ...current.UserSettings, ...input.UserSettings },
        LastModifiedTime: now(),
      });
      return { UserProfileArn: current.UserProfileArn };
    }),
    DeleteUserProfile: operation(profileId, (input) => {
      tags.forget(findProfile(input).UserProfileArn);
      profiles.delete(profileKey(input));
      return {};
    }),
  };
};
