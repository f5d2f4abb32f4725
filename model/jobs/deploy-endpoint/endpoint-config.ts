import { createHash } from 'node:crypto';
import {
  CreateEndpointConfigCommand,
  DescribeEndpointConfigCommand,
  type ProductionVariant,
} from '@aws-sdk/client-sagemaker';
import { ENDPOINT_VARIANT } from '../../contract/sagemaker-jobs.ts';
import { isAlreadyThere, orMissing } from './aws-errors.ts';
import type { Deployment } from './deployment.ts';
import type { DeploySettings } from './environment.ts';

const variantOf = ({ modelName, instanceType, minInstances }: DeploySettings) =>
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
  const content = JSON.stringify(variantOf(settings));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8);
  return `${settings.endpointName}-${settings.modelPackage.version}-${hash}`;
};

/**
 * Version of the model package that a configuration is for.
 *
 * @returns `undefined` when the configuration is not one of this endpoint's that this job has made, as with that of an
 * endpoint whose name begins with this one's
 */
export const versionOf = (config: string, endpointName: string): number | undefined => {
  if (!config.startsWith(`${endpointName}-`)) return undefined;
  const version = /^(\d+)-[0-9a-f]{8}$/.exec(config.slice(endpointName.length + 1))?.[1];
  return version === undefined ? undefined : Number(version);
};

/** What a configuration is called in a message. */
export const inWords = (config: string, endpointName: string): string => {
  const version = versionOf(config, endpointName);
  return version === undefined ? `the configuration ${config}` : `model version ${version} (${config})`;
};

const isSame = (settings: DeploySettings, variants: readonly ProductionVariant[]): boolean => {
  const [found, ...others] = variants;
  const expected = variantOf(settings);
  return (
    others.length === 0 &&
    found?.VariantName === expected.VariantName &&
    found.ModelName === expected.ModelName &&
    found.InstanceType === expected.InstanceType &&
    found.InitialInstanceCount === expected.InitialInstanceCount
  );
};

/**
 * Makes the configuration unless it is there: an earlier run, or one at the same time, may have made it.
 *
 * @returns its name
 * @throws Error when a configuration of this name holds something else
 */
export const ensureEndpointConfig = async ({ settings, clients, report }: Deployment): Promise<string> => {
  const name = configName(settings);
  const create = new CreateEndpointConfigCommand({
    EndpointConfigName: name,
    ProductionVariants: [variantOf(settings)],
  });
  try {
    await clients.sageMaker.send(create);
    report(`Created the endpoint configuration ${name}.`);
    return name;
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
  }
  const found = await orMissing(
    clients.sageMaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: name })),
  );
  // Gone again: another run has cleaned up. Whoever needs it next makes it anew.
  if (found && !isSame(settings, found.ProductionVariants ?? []))
    throw new Error(
      `The endpoint configuration ${name} is there but does not hold model ${settings.modelName} on ${settings.instanceType}: somebody else has made it. Delete it (aws sagemaker delete-endpoint-config --endpoint-config-name ${name}) and run the job again.`,
    );
  report(`The endpoint configuration ${name} is already there.`);
  return name;
};
