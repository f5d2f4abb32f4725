import {
  DeleteAppCommand,
  DeleteSpaceCommand,
  paginateListApps,
  paginateListSpaces,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type { Report } from './status.ts';
import { type Waiting, waitFor } from './wait.ts';

/** States of an app that need no deletion; an app that has failed does not block its domain. */
const GONE = ['Deleted', 'Failed', 'Deleting'];

const appsOf = async (client: SageMakerClient, domain: string) => {
  const apps = [];
  for await (const page of paginateListApps({ client }, { DomainIdEquals: domain }))
    apps.push(...(page.Apps ?? []));
  return apps;
};

const spacesOf = async (client: SageMakerClient, domain: string) => {
  const spaces = [];
  for await (const page of paginateListSpaces({ client }, { DomainIdEquals: domain }))
    spaces.push(...(page.Spaces ?? []));
  return spaces;
};

/**
 * Deletes the apps and spaces that people have made in a Studio domain: AWS refuses to delete the domain while there
 * are any.
 *
 * @returns how many apps and spaces there were
 */
export const emptyStudio = async (
  client: SageMakerClient,
  domain: string,
  waiting: Waiting,
  report: Report,
): Promise<{ apps: number; spaces: number }> => {
  const apps = (await appsOf(client, domain)).filter(({ Status = '' }) => !GONE.includes(Status));
  for (const { AppType, AppName, UserProfileName, SpaceName } of apps)
    await client.send(
      new DeleteAppCommand({ DomainId: domain, AppType, AppName, UserProfileName, SpaceName }),
    );
  await waitFor('the Studio apps to be deleted', waiting, async () => {
    const left = (await appsOf(client, domain)).filter(
      ({ Status = '' }) => Status === 'Deleting' || !GONE.includes(Status),
    );
    if (left.length > 0) report(`Studio: ${left.length} apps are being deleted`);
    return left.length === 0 ? true : undefined;
  });

  const spaces = await spacesOf(client, domain);
  for (const { SpaceName, Status } of spaces)
    if (Status !== 'Deleting') await client.send(new DeleteSpaceCommand({ DomainId: domain, SpaceName }));
  await waitFor('the Studio spaces to be deleted', waiting, async () => {
    const left = await spacesOf(client, domain);
    if (left.length > 0) report(`Studio: ${left.length} spaces are being deleted`);
    return left.length === 0 ? true : undefined;
  });
  return { apps: apps.length, spaces: spaces.length };
};
