import {
  DeleteSecurityGroupCommand,
  type EC2Client,
  EC2ServiceException,
  paginateDescribeSecurityGroups,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import {
  DeleteAppCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DeleteModelPackageCommand,
  DeleteSpaceCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  paginateListApps,
  paginateListEndpointConfigs,
  paginateListModelPackages,
  paginateListSpaces,
  type SageMakerClient,
  SageMakerServiceException,
} from '@aws-sdk/client-sagemaker';
import { trialEndpointName } from '../../model/contract/sagemaker-jobs.ts';
import { listAll, type Waiting, waitFor } from './clients.ts';

/** Deletes what people, pipelines and SageMaker created inside the stack's resources, which Terraform does not own. */

/** SageMaker has no dedicated exception for missing resources. */
const isMissing = (error: unknown): boolean =>
  error instanceof SageMakerServiceException &&
  (error.name === 'ResourceNotFound' ||
    (error.name === 'ValidationException' && /could not find|does not exist/i.test(error.message)));

const orMissing = async <T>(request: Promise<T>): Promise<T | undefined> => {
  try {
    return await request;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** Statuses in which SageMaker refuses to delete an endpoint or is already deleting it. */
const BUSY = ['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting'];

/**
 * Deletes the endpoint and waits until it is gone. SageMaker removes its autoscaling by itself. Source: "Delete
 * endpoints configured for auto scaling", SageMaker guide.
 *
 * @returns whether there was one
 */
const deleteEndpoint = async (
  client: SageMakerClient,
  EndpointName: string,
  waiting: Waiting,
): Promise<boolean> => {
  const status = async () =>
    (await orMissing(client.send(new DescribeEndpointCommand({ EndpointName }))))?.EndpointStatus;
  if ((await status()) === undefined) return false;
  return waitFor(`the endpoint ${EndpointName} to be deleted`, waiting, async (say) => {
    const now = await status();
    say(`endpoint ${EndpointName}: ${now ?? 'deleted'}`);
    if (now === undefined) return true;
    if (!BUSY.includes(now)) await orMissing(client.send(new DeleteEndpointCommand({ EndpointName })));
    return undefined;
  });
};

/** Deletes an endpoint configuration and its models, if they all belong to this deployment. @returns whether they do */
const deleteConfiguration = async (
  client: SageMakerClient,
  EndpointConfigName: string,
  servingRole: string,
): Promise<boolean> => {
  const question = new DescribeEndpointConfigCommand({ EndpointConfigName });
  const { ProductionVariants = [] } = await client.send(question);
  const models = ProductionVariants.flatMap(({ ModelName }) => ModelName ?? []);
  if (models.length === 0) return false;
  for (const ModelName of models) {
    const described = await orMissing(client.send(new DescribeModelCommand({ ModelName })));
    if (!described?.ExecutionRoleArn?.endsWith(`/${servingRole}`)) return false;
  }
  await client.send(new DeleteEndpointConfigCommand({ EndpointConfigName }));
  for (const ModelName of models) await orMissing(client.send(new DeleteModelCommand({ ModelName })));
  return true;
};

/**
 * Deletes what the SageMaker pipelines created: the endpoint, which is charged by the hour, and its configurations and
 * models.
 *
 * @param servingRole the role of this deployment's models, which distinguishes them from those of other deployments
 * @returns a description of each deleted thing
 */
export const deleteServing = async (
  client: SageMakerClient,
  { endpoint, servingRole }: Readonly<Record<'endpoint' | 'servingRole', string>>,
  waiting: Waiting,
): Promise<string[]> => {
  const deleted: string[] = [];
  for (const name of [endpoint, trialEndpointName(endpoint)])
    if (await deleteEndpoint(client, name, waiting)) deleted.push(`endpoint ${name}`);
  const configurations = await listAll(
    paginateListEndpointConfigs({ client }, { NameContains: endpoint }),
    (page) => page.EndpointConfigs,
  );
  for (const { EndpointConfigName: name } of configurations)
    if (name?.startsWith(endpoint) && (await deleteConfiguration(client, name, servingRole)))
      deleted.push(`endpoint configuration ${name} with its models`);
  return deleted;
};

/**
 * Deletes the model versions in a group: AWS refuses to delete a group that is not empty.
 *
 * @returns how many there were
 */
export const deleteModelPackages = async (client: SageMakerClient, group: string): Promise<number> => {
  const versions = await listAll(
    paginateListModelPackages({ client }, { ModelPackageGroupName: group }),
    (page) => page.ModelPackageSummaryList,
  );
  for (const { ModelPackageArn } of versions)
    await client.send(new DeleteModelPackageCommand({ ModelPackageName: ModelPackageArn }));
  return versions.length;
};

/** Statuses of apps that need no deletion; a failed app does not block its domain. */
const GONE = ['Deleted', 'Failed'];

/**
 * Deletes the apps and spaces in a Studio domain: AWS refuses to delete the domain while there are any.
 *
 * @returns how many were deleted
 */
export const emptyStudio = async (
  client: SageMakerClient,
  DomainId: string,
  waiting: Waiting,
): Promise<{ apps: number; spaces: number }> => {
  const ofDomain = { DomainIdEquals: DomainId };
  const listApps = () =>
    listAll(paginateListApps({ client }, ofDomain), ({ Apps = [] }) =>
      Apps.filter(({ Status = '' }) => !GONE.includes(Status)),
    );
  const listSpaces = () => listAll(paginateListSpaces({ client }, ofDomain), ({ Spaces }) => Spaces);
  const waitUntilNone = (what: string, list: () => Promise<unknown[]>) =>
    waitFor(`the Studio ${what} to be deleted`, waiting, async (say) => {
      const { length } = await list();
      if (length === 0) return true;
      say(`Studio: ${length} ${what} are being deleted`);
      return undefined;
    });

  const apps = (await listApps()).filter(({ Status }) => Status !== 'Deleting');
  for (const { AppType, AppName, UserProfileName, SpaceName } of apps)
    await client.send(new DeleteAppCommand({ DomainId, AppType, AppName, UserProfileName, SpaceName }));
  await waitUntilNone('apps', listApps);
  const spaces = await listSpaces();
  for (const { SpaceName, Status } of spaces)
    if (Status !== 'Deleting') await client.send(new DeleteSpaceCommand({ DomainId, SpaceName }));
  await waitUntilNone('spaces', listSpaces);
  return { apps: apps.length, spaces: spaces.length };
};

/**
 * Deletes the security groups that SageMaker creates in a VPC for Studio's home directories. They outlive the domain
 * and block the deletion of the VPC.
 *
 * @returns how many there were
 */
export const deleteStudioSecurityGroups = async (
  client: EC2Client,
  vpc: string,
  waiting: Waiting,
): Promise<number> => {
  const Filters = [
    { Name: 'vpc-id', Values: [vpc] },
    { Name: 'group-name', Values: ['security-group-for-inbound-nfs-*', 'security-group-for-outbound-nfs-*'] },
  ];
  const groups = await listAll(
    paginateDescribeSecurityGroups({ client }, { Filters }),
    (page) => page.SecurityGroups,
  );
  // The groups' rules refer to each other, so neither could be deleted first.
  for (const { GroupId, IpPermissions = [], IpPermissionsEgress = [] } of groups) {
    if (IpPermissions.length > 0)
      await client.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
    if (IpPermissionsEgress.length > 0)
      await client.send(
        new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: IpPermissionsEgress }),
      );
  }
  for (const { GroupId, GroupName } of groups)
    await waitFor(`the security group ${GroupName} to be out of use`, waiting, async (say) => {
      say(`security group ${GroupName}`);
      try {
        await client.send(new DeleteSecurityGroupCommand({ GroupId }));
        return true;
      } catch (error) {
        // The file system's network interfaces disappear a little later than the domain.
        if (error instanceof EC2ServiceException && error.name === 'DependencyViolation') return undefined;
        throw error;
      }
    });
  return groups.length;
};
