import {
  DeleteSecurityGroupCommand,
  type EC2Client,
  EC2ServiceException,
  paginateDescribeSecurityGroups,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import type { Report } from './status.ts';
import { type Waiting, waitFor } from './wait.ts';

/** The names that SageMaker gives them, less the domain's id. */
const NAMES = ['security-group-for-inbound-nfs-*', 'security-group-for-outbound-nfs-*'];

const find = async (client: EC2Client, vpc: string): Promise<SecurityGroup[]> => {
  const groups: SecurityGroup[] = [];
  const Filters = [
    { Name: 'vpc-id', Values: [vpc] },
    { Name: 'group-name', Values: NAMES },
  ];
  for await (const page of paginateDescribeSecurityGroups({ client }, { Filters }))
    groups.push(...(page.SecurityGroups ?? []));
  return groups;
};

/** The rules name the other group, so neither could be deleted before the other. */
const revokeRules = async (client: EC2Client, group: SecurityGroup): Promise<void> => {
  const { GroupId, IpPermissions = [], IpPermissionsEgress = [] } = group;
  if (IpPermissions.length > 0)
    await client.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  if (IpPermissionsEgress.length > 0)
    await client.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: IpPermissionsEgress }));
};

/**
 * Deletes the security groups that SageMaker makes in a VPC for the home directories of Studio and leaves there when
 * the domain is deleted: the VPC cannot be deleted with them.
 *
 * @returns how many there were
 */
export const deleteStudioSecurityGroups = async (
  client: EC2Client,
  vpc: string,
  waiting: Waiting,
  report: Report,
): Promise<number> => {
  const groups = await find(client, vpc);
  for (const group of groups) await revokeRules(client, group);
  for (const { GroupId, GroupName } of groups)
    await waitFor(`the security group ${GroupName} to be out of use`, waiting, async () => {
      report(`security group ${GroupName}`);
      try {
        await client.send(new DeleteSecurityGroupCommand({ GroupId }));
        return true;
      } catch (error) {
        // The network interfaces of the file system go a little later than the domain.
        if (error instanceof EC2ServiceException && error.name === 'DependencyViolation') return undefined;
        throw error;
      }
    });
  return groups.length;
};
