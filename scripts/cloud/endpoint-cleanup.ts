import {
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  paginateListEndpointConfigs,
  type SageMakerClient,
  SageMakerServiceException,
} from '@aws-sdk/client-sagemaker';
import type { Report } from './status.ts';
import { type Waiting, waitFor } from './wait.ts';

export interface EndpointOwner {
  readonly endpoint: string;
  /** The role of this deployment's models; by it they are told from those of another deployment. */
  readonly servingRole: string;
}

/** SageMaker has no exception of its own for what is not there. */
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

/** States in which SageMaker refuses to delete an endpoint, or is doing so. */
const BUSY = ['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting'];

/**
 * Deletes the endpoint and waits until it is gone. SageMaker takes away its autoscaling by itself.
 * Source: "Delete endpoints configured for auto scaling", SageMaker guide.
 *
 * @returns whether there was one
 */
const deleteEndpoint = async (
  client: SageMakerClient,
  endpoint: string,
  waiting: Waiting,
  report: Report,
): Promise<boolean> => {
  const status = async () =>
    (await orMissing(client.send(new DescribeEndpointCommand({ EndpointName: endpoint }))))?.EndpointStatus;
  if ((await status()) === undefined) return false;
  await waitFor(`the endpoint ${endpoint} to be deleted`, waiting, async () => {
    const now = await status();
    report(`endpoint ${endpoint}: ${now ?? 'deleted'}`);
    if (now === undefined) return true;
    if (!BUSY.includes(now))
      await orMissing(client.send(new DeleteEndpointCommand({ EndpointName: endpoint })));
    return undefined;
  });
  return true;
};

const isOurs = async (client: SageMakerClient, model: string, servingRole: string): Promise<boolean> => {
  const described = await orMissing(client.send(new DescribeModelCommand({ ModelName: model })));
  return described?.ExecutionRoleArn?.endsWith(`/${servingRole}`) ?? false;
};

/** Deletes a configuration of the endpoint and its models, if they are this deployment's. */
const deleteConfiguration = async (
  client: SageMakerClient,
  name: string,
  servingRole: string,
): Promise<boolean> => {
  const described = await client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: name }));
  const models = (described.ProductionVariants ?? []).flatMap(({ ModelName }) => ModelName ?? []);
  for (const model of models) if (!(await isOurs(client, model, servingRole))) return false;
  if (models.length === 0) return false;
  await client.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name }));
  for (const model of models) await orMissing(client.send(new DeleteModelCommand({ ModelName: model })));
  return true;
};

/**
 * Deletes what the SageMaker pipeline has made and Terraform does not own: the endpoint, which costs by the hour, and
 * the configurations and models that it has had.
 *
 * @returns what was deleted, in words
 */
export const deleteServing = async (
  client: SageMakerClient,
  { endpoint, servingRole }: EndpointOwner,
  waiting: Waiting,
  report: Report,
): Promise<string[]> => {
  const deleted = (await deleteEndpoint(client, endpoint, waiting, report)) ? [`endpoint ${endpoint}`] : [];
  const configurations: string[] = [];
  for await (const page of paginateListEndpointConfigs({ client }, { NameContains: endpoint }))
    for (const { EndpointConfigName: name } of page.EndpointConfigs ?? [])
      if (name?.startsWith(endpoint)) configurations.push(name);
  for (const name of configurations)
    if (await deleteConfiguration(client, name, servingRole))
      deleted.push(`endpoint configuration ${name} with its models`);
  return deleted;
};
