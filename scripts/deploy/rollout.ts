import { isDeepStrictEqual } from 'node:util';
import {
  type Deployment,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  type Service,
  type TaskDefinition,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { type Waiting, waitFor } from './clients.ts';

export const containerImage = (definition: TaskDefinition, container: string): string | undefined =>
  definition.containerDefinitions?.find(({ name }) => name === container)?.image;

/**
 * A revision's settings with another image in one container, as input of RegisterTaskDefinition: without what ECS adds
 * on registration.
 *
 * @throws Error if ECS described it without a family or containers
 */
const settingsWithImage = (
  definition: TaskDefinition,
  container: string,
  image: string | undefined,
): RegisterTaskDefinitionCommandInput => {
  const {
    taskDefinitionArn: _arn,
    revision: _revision,
    status: _status,
    requiresAttributes: _attributes,
    compatibilities: _compatibilities,
    registeredAt: _registeredAt,
    registeredBy: _registeredBy,
    deregisteredAt: _deregisteredAt,
    family,
    containerDefinitions,
    ...settings
  } = definition;
  if (family === undefined || containerDefinitions === undefined)
    throw new Error(`ECS described a task definition without family or containers: ${_arn}.`);
  return {
    ...settings,
    family,
    containerDefinitions: containerDefinitions.map((each) =>
      each.name === container ? { ...each, image } : each,
    ),
  };
};

const byName = <T extends { name?: string | undefined }>(list: T[] | undefined): T[] =>
  [...(list ?? [])].sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));

/** All settings but the image, normalized: ECS reorders variables, and may return an empty list as a missing one. */
const comparable = (definition: TaskDefinition, container: string): unknown => {
  const { containerDefinitions, ...settings } = settingsWithImage(definition, container, undefined);
  const containers = byName(containerDefinitions).map((each) => ({
    ...each,
    environment: byName(each.environment),
    secrets: byName(each.secrets),
  }));
  return JSON.parse(
    JSON.stringify({ ...settings, containers }, (_key, value) =>
      Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  );
};

/** Names or ARNs. */
export type ServiceId = Readonly<Record<'cluster' | 'service', string>>;

/** @returns undefined if there is no such service (any more) */
export const describeService = async (
  client: ECSClient,
  { cluster, service }: ServiceId,
): Promise<Service | undefined> => {
  const { services = [] } = await client.send(new DescribeServicesCommand({ cluster, services: [service] }));
  return services.find(({ status }) => status === 'ACTIVE');
};

/** The deployment that is to replace all others. */
const primaryDeployment = (service: Service): Deployment | undefined =>
  service.deployments?.find(({ status }) => status === 'PRIMARY');

const describeFailure = ({ serviceName, events = [] }: Service, failed: Deployment): string => {
  const { createdAt: since = new Date(0), rolloutStateReason = '' } = failed;
  const latest = events.filter(({ createdAt = since }) => createdAt >= since).slice(0, 5);
  return [
    `${serviceName}: ECS gave up the deployment; the previous tasks keep running. ${rolloutStateReason}`,
    ...latest.map(({ message }) => `  ${message}`),
    'Look at the stopped tasks in the ECS console and at their logs, fix the cause, and run npm run deploy again.',
  ].join('\n');
};

/**
 * Waits until a service's deployment is complete.
 *
 * @throws Error if ECS gives it up, with ECS's reason, or if another deployment replaces it
 */
const waitForDeployment = async (
  client: ECSClient,
  id: ServiceId,
  deploymentId: string,
  waiting: Waiting,
): Promise<void> => {
  await waitFor(`${id.service} to run its new tasks`, waiting, async (say) => {
    const service = await describeService(client, id);
    if (!service)
      throw new Error(`The service ${id.service} is gone. Run npm run deploy again to create it.`);
    const deployment = service.deployments?.find((each) => each.id === deploymentId);
    if (!deployment)
      throw new Error(
        `${service.serviceName}: another deployment has replaced this one, perhaps from its pipeline. Run npm run deploy again.`,
      );
    if (deployment.rolloutState === 'FAILED') throw new Error(describeFailure(service, deployment));
    const { runningCount = 0, desiredCount = 0, rolloutState } = deployment;
    say(`${service.serviceName}: ${runningCount} of ${desiredCount} tasks`);
    return rolloutState === 'COMPLETED' ? true : undefined;
  });
};

interface RolloutTarget extends ServiceId {
  /** The revision that Terraform registered. */
  readonly taskDefinition: string;
  /** The container whose image the delivery pipeline owns. */
  readonly container: string;
}

const describeRevision = async (client: ECSClient, taskDefinition: string) => {
  const { taskDefinition: definition, tags = [] } = await client.send(
    new DescribeTaskDefinitionCommand({ taskDefinition, include: ['TAGS'] }),
  );
  if (!definition) throw new Error(`ECS does not describe the task definition ${taskDefinition}.`);
  return { definition, tags };
};

/**
 * Registers a revision with Terraform's settings and the running image.
 *
 * @returns the new revision, or undefined if the running settings are already Terraform's
 */
const registerChange = async (
  client: ECSClient,
  current: string,
  { taskDefinition, container }: RolloutTarget,
): Promise<string | undefined> => {
  if (current === taskDefinition) return undefined;
  const running = await describeRevision(client, current);
  const { definition, tags } = await describeRevision(client, taskDefinition);
  if (isDeepStrictEqual(comparable(running.definition, container), comparable(definition, container)))
    return undefined;
  const settings = settingsWithImage(definition, container, containerImage(running.definition, container));
  // ECS refuses an empty list of tags.
  const { taskDefinition: revision } = await client.send(
    new RegisterTaskDefinitionCommand({ ...settings, ...(tags.length > 0 && { tags }) }),
  );
  return revision?.taskDefinitionArn;
};

/**
 * Rolls out changed settings of a task definition to its running service. Terraform registers them but leaves the
 * service alone, because the delivery pipeline decides which image it runs; so the new revision has Terraform's
 * settings and the running image. A service that could not start gets another try.
 *
 * @returns the revision that was rolled out, or undefined if the service already runs with these settings
 * @throws Error if ECS rolls the service back
 */
export const rollOutSettings = async (
  client: ECSClient,
  target: RolloutTarget,
  waiting: Waiting,
): Promise<string | undefined> => {
  const wait = (deploymentId: string) => waitForDeployment(client, target, deploymentId, waiting);
  const service = await describeService(client, target);
  if (service?.taskDefinition === undefined)
    throw new Error(`The service ${target.service} does not exist. Run npm run deploy again to create it.`);
  const current = primaryDeployment(service);
  if (current?.id !== undefined && current.rolloutState === 'IN_PROGRESS') await wait(current.id);
  const changed = await registerChange(client, service.taskDefinition, target);
  // A failed deployment without a previous one is not retried by ECS.
  if (changed === undefined && current?.rolloutState !== 'FAILED') return undefined;

  const taskDefinition = changed ?? service.taskDefinition;
  const { cluster } = target;
  const { service: updated } = await client.send(
    new UpdateServiceCommand({ cluster, service: target.service, taskDefinition, forceNewDeployment: true }),
  );
  const deployment = updated && primaryDeployment(updated);
  if (deployment?.id === undefined) throw new Error(`ECS did not start a deployment of ${target.service}.`);
  await wait(deployment.id);
  return taskDefinition;
};
