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
 * The name of the endpoint configuration for a model: `<endpoint>-<version of the model package>-<hash of the
 * content>`. Configurations are immutable, so different content has a different name, and a repeated run finds its own.
 */
export const configName = (settings: DeploySettings): string => {
  const content = JSON.stringify(toVariant(settings));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8);
  return `${settings.endpointName}-${settings.modelPackage.version}-${hash}`;
};

/**
 * The version of a configuration's model package.
 *
 * @returns `undefined` if this job did not create the configuration for this endpoint, but for example for one whose
 * name begins with this one's
 */
export const configVersion = (config: string, endpointName: string): number | undefined => {
  if (!config.startsWith(`${endpointName}-`)) return undefined;
  const version = /^(\d+)-[0-9a-f]{8}$/.exec(config.slice(endpointName.length + 1))?.[1];
  return version === undefined ? undefined : Number(version);
};

export const describeConfig = (config: string, endpointName: string): string => {
  const version = configVersion(config, endpointName);
  return version === undefined ? `the configuration ${config}` : `model version ${version} (${config})`;
};

/**
 * Creates the configuration unless it exists already, from an earlier or concurrent run.
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
 * Deletes old configurations that this job created for the endpoint, except the one in service or being rolled out, the
 * previous one for a manual rollback, and recent ones that another run may need.
 *
 * @param previous the previous configuration, if known; otherwise the newest other one is kept
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
    // Another run may have rolled back to it meanwhile. An endpoint without its configuration can only be deleted.
    const now = await describeEndpoint(context);
    if (now?.config === name || now?.pending === name) continue;
    const remove = new DeleteEndpointConfigCommand({ EndpointConfigName: name });
    await undefinedIfNotFound(clients.sageMaker.send(remove));
    report(`Deleted the old endpoint configuration ${name}.`);
  }
};
