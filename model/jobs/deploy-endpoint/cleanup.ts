import {
  DeleteEndpointConfigCommand,
  type EndpointConfigSummary,
  paginateListEndpointConfigs,
} from '@aws-sdk/client-sagemaker';
import { orMissing } from './aws-errors.ts';
import type { Deployment } from './deployment.ts';
import { versionOf } from './endpoint-config.ts';
import { describeEndpoint } from './endpoint-state.ts';

interface OldConfig {
  readonly name: string;
  readonly createdAt: number;
}

const toOldConfig = ({ EndpointConfigName: name, CreationTime }: EndpointConfigSummary): OldConfig[] =>
  name && CreationTime ? [{ name, createdAt: CreationTime.getTime() }] : [];

/** This job's configurations of the endpoint, the youngest first. */
const ownConfigs = async ({ settings, clients }: Deployment): Promise<OldConfig[]> => {
  const { endpointName } = settings;
  const found: OldConfig[] = [];
  const pages = paginateListEndpointConfigs(
    { client: clients.sageMaker },
    { NameContains: `${endpointName}-` },
  );
  for await (const { EndpointConfigs = [] } of pages) found.push(...EndpointConfigs.flatMap(toOldConfig));
  return found
    .filter(({ name }) => versionOf(name, endpointName) !== undefined)
    .sort((one, other) => other.createdAt - one.createdAt);
};

/** Whether the endpoint serves a configuration, or is on its way to it. */
const isUsed = async ({ settings, clients }: Deployment, name: string): Promise<boolean> => {
  const state = await describeEndpoint(clients.sageMaker, settings.endpointName);
  return state?.config === name || state?.pending === name;
};

/**
 * Deletes this job's old configurations of the endpoint. What stays: what the endpoint serves or is on its way to; the
 * configuration before that, for a rollback by hand; and those so young that a run which is under way may need them.
 *
 * @param previous the configuration before this one, if known; else the youngest other one stays
 * @returns the names of the deleted ones
 */
export const deleteOldConfigs = async (
  deployment: Deployment,
  previous: string | undefined,
): Promise<string[]> => {
  const { settings, clients, clock, report } = deployment;
  const configs = await ownConfigs(deployment);
  const state = await describeEndpoint(clients.sageMaker, settings.endpointName);
  if (state === undefined) return [];
  const used = new Set([state.config, state.pending]);
  used.add(previous ?? configs.find(({ name }) => !used.has(name))?.name);
  const youngest = clock.now() - settings.limitMinutes * 60_000;
  const old = configs.filter(({ name, createdAt }) => !used.has(name) && createdAt < youngest);
  const deleted: string[] = [];
  for (const { name } of old) {
    // Another run may meanwhile have gone back to it. An endpoint whose configuration is gone can only be deleted.
    if (await isUsed(deployment, name)) continue;
    await orMissing(clients.sageMaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name })));
    deleted.push(name);
  }
  if (deleted.length > 0) report(`Deleted old endpoint configurations: ${deleted.join(', ')}.`);
  return deleted;
};
