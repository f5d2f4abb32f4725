import { createHash } from 'node:crypto';
import {
  CreateEndpointConfigCommand,
  DeleteEndpointConfigCommand,
  type ProductionVariant,
  paginateListEndpointConfigs,
} from '@aws-sdk/client-sagemaker';
import { ENDPOINT_VARIANT } from '../../contract/sagemaker-jobs.ts';
import { type DeployContext, isAlreadyExists, undefinedIfNotFound } from './context.ts';
import { describeEndpoint } from './endpoint.ts';
import type { DeploySettings } from './settings.ts';

const toVariant = ({ modelName, instanceType, minInstances }: DeploySettings) =>
  ({
    VariantName: ENDPOINT_VARIANT,
    ModelName: modelName,
    InstanceType: instanceType,
    InitialInstanceCount: minInstances,
  }) satisfies ProductionVariant;

/**
 * Name of the endpoint's configuration for a model: `<endpoint>-<version of the model package>-<hash of the content>`.
 * A configuration cannot be changed, so what differs is named differently, and a repeated run finds its own again.
 */
export const configName = (settings: DeploySettings): string => {
  const content = JSON.stringify(toVariant(settings));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8);
  return `${settings.endpointName}-${settings.modelPackage.version}-${hash}`;
};

/**
 * Version of the model package that a configuration is for.
 *
 * @returns `undefined` when this job has not created the configuration for this endpoint, but, say, for an endpoint
 * whose name begins with this one's
 */
export const configVersion = (config: string, endpointName: string): number | undefined => {
  if (!config.startsWith(`${endpointName}-`)) return undefined;
  const version = /^(\d+)-[0-9a-f]{8}$/.exec(config.slice(endpointName.length + 1))?.[1];
  return version === undefined ? undefined : Number(version);
};

/** What a configuration is called in a message. */
export const describeConfig = (config: string, endpointName: string): string => {
  const version = configVersion(config, endpointName);
  return version === undefined ? `the configuration ${config}` : `model version ${version} (${config})`;
};

/**
 * Creates the configuration unless it exists: an earlier run, or one at the same time, may have created it.
 *
 * @returns its name
 */
export const ensureEndpointConfig = async ({ settings, clients, report }: DeployContext): Promise<string> => {
  const name = configName(settings);
  const create = new CreateEndpointConfigCommand({
    EndpointConfigName: name,
    ProductionVariants: [toVariant(settings)],
  });
  try {
    await clients.sageMaker.send(create);
    report(`Created the endpoint configuration ${name}.`);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    report(`The endpoint configuration ${name} already exists.`);
  }
  return name;
};

/**
 * Deletes this job's old configurations of the endpoint. What stays: what the endpoint serves or is rolling out; the
 * configuration before that, for a rollback by hand; and those so young that a run which is under way may need them.
 *
 * @param previous the configuration before this one, if known; else the youngest other one stays
 */
export const deleteOldConfigs = async (
  context: DeployContext,
  previous: string | undefined,
): Promise<void> => {
  const { settings, clients, clock, report } = context;
  const { endpointName, limitMinutes } = settings;
  const configs: { readonly name: string; readonly createdAt: number }[] = [];
  const list = paginateListEndpointConfigs(
    { client: clients.sageMaker },
    { NameContains: `${endpointName}-` },
  );
  for await (const { EndpointConfigs = [] } of list)
    for (const { EndpointConfigName: name = '', CreationTime } of EndpointConfigs)
      if (CreationTime && configVersion(name, endpointName) !== undefined)
        configs.push({ name, createdAt: CreationTime.getTime() });
  configs.sort((one, other) => other.createdAt - one.createdAt);
  const state = await describeEndpoint(context);
  if (state === undefined) return;
  const used = new Set([state.config, state.pending]);
  used.add(previous ?? configs.find(({ name }) => !used.has(name))?.name);
  const youngest = clock.now() - limitMinutes * 60_000;
  for (const { name, createdAt } of configs) {
    if (used.has(name) || createdAt >= youngest) continue;
    // Another run may meanwhile have gone back to it. An endpoint whose configuration is gone can only be deleted.
    const now = await describeEndpoint(context);
    if (now?.config === name || now?.pending === name) continue;
    const remove = new DeleteEndpointConfigCommand({ EndpointConfigName: name });
    await undefinedIfNotFound(clients.sageMaker.send(remove));
    report(`Deleted the old endpoint configuration ${name}.`);
  }
};
