import {
  DescribeTaskDefinitionCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { describeService, primaryOf, type ServiceId, waitForDeployment } from './service-deployment.ts';
import type { Report } from './status.ts';
import { imageOf, sameSettings, withImage, withTags } from './task-definition.ts';
import type { Waiting } from './wait.ts';

export interface RolloutTarget extends ServiceId {
  /** The revision that Terraform has registered. */
  readonly taskDefinition: string;
  /** The container whose image the delivery pipeline owns. */
  readonly container: string;
}

const describeRevision = async (client: ECSClient, taskDefinition: string) => {
  const { taskDefinition: definition, tags } = await client.send(
    new DescribeTaskDefinitionCommand({ taskDefinition, include: ['TAGS'] }),
  );
  if (!definition) throw new Error(`ECS does not describe the task definition ${taskDefinition}.`);
  return { definition, tags };
};

/**
 * Registers a revision with Terraform's settings and the image that runs now.
 *
 * @returns the new revision; nothing when the settings that run are Terraform's already
 */
const registerChange = async (
  client: ECSClient,
  current: string,
  { taskDefinition, container }: RolloutTarget,
): Promise<string | undefined> => {
  if (current === taskDefinition) return undefined;
  const running = await describeRevision(client, current);
  const wanted = await describeRevision(client, taskDefinition);
  if (sameSettings(running.definition, wanted.definition, container)) return undefined;
  const settings = withImage(wanted.definition, container, imageOf(running.definition, container));
  const { taskDefinition: revision } = await client.send(
    new RegisterTaskDefinitionCommand(withTags(settings, wanted.tags)),
  );
  return revision?.taskDefinitionArn;
};

/**
 * Brings changed settings of a task definition to its running service. Terraform registers them but leaves the service
 * alone, because the delivery pipeline decides which image it runs; so the new revision has Terraform's settings and
 * the image that runs now. A service that could not start gets another try.
 *
 * @returns the revision that was rolled out; nothing when the service runs with these settings already
 * @throws Error when ECS rolls the service back
 */
export const rollOut = async (
  client: ECSClient,
  target: RolloutTarget,
  waiting: Waiting,
  report: Report,
): Promise<string | undefined> => {
  const wait = (deploymentId: string) => waitForDeployment(client, target, deploymentId, waiting, report);
  const service = await describeService(client, target);
  if (service?.taskDefinition === undefined)
    throw new Error(`The service ${target.service} is not there. Run npm run deploy again to make it.`);
  const current = primaryOf(service);
  if (current?.id !== undefined && current.rolloutState === 'IN_PROGRESS') await wait(current.id);
  const changed = await registerChange(client, service.taskDefinition, target);
  // One that has failed with nothing to go back to tries no more by itself.
  if (changed === undefined && current?.rolloutState !== 'FAILED') return undefined;

  const taskDefinition = changed ?? service.taskDefinition;
  const { cluster } = target;
  const { service: updated } = await client.send(
    new UpdateServiceCommand({ cluster, service: target.service, taskDefinition, forceNewDeployment: true }),
  );
  const deployment = updated && primaryOf(updated);
  if (deployment?.id === undefined) throw new Error(`ECS did not start a deployment of ${target.service}.`);
  await wait(deployment.id);
  return taskDefinition;
};
