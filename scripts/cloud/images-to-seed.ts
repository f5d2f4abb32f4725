import { existsSync } from 'node:fs';
import path from 'node:path';
import { ClusterNotFoundException, DescribeTaskDefinitionCommand, type ECSClient } from '@aws-sdk/client-ecs';
import type { Configuration } from '../../stacks/config/schema.ts';
import type { Names } from '../../stacks/names.ts';
import { ROOT } from '../root.ts';
import type { ImageBuild } from './builds.ts';
import type { Clients } from './clients.ts';
import { imageExists, nameOf } from './images.ts';
import { describeService, type ServiceId } from './service-deployment.ts';
import { imageOf } from './task-definition.ts';

/** The image that a service's tasks run; nothing when there is no such service. */
const runningImage = async (client: ECSClient, id: ServiceId, container: string) => {
  const service = await describeService(client, id).catch((error: unknown) => {
    if (error instanceof ClusterNotFoundException) return undefined;
    throw error;
  });
  if (service?.taskDefinition === undefined) return undefined;
  const { taskDefinition } = await client.send(
    new DescribeTaskDefinitionCommand({ taskDefinition: service.taskDefinition }),
  );
  return taskDefinition && imageOf(taskDefinition, container);
};

/**
 * The images that must be built before Terraform can start what runs them. A service that runs another image needs
 * none: its pipeline has taken over, and the registry may have dropped the first one.
 *
 * @param onSkip is told of an image that cannot be built
 */
export const imagesToSeed = async (
  { ecr, ecs }: Pick<Clients, 'ecr' | 'ecs'>,
  config: Configuration,
  names: Names,
  onSkip: (text: string) => void,
): Promise<ImageBuild[]> => {
  const builds: ImageBuild[] = [];
  for (const key of ['web', 'was'] as const) {
    const { repository, service, image: container, delivery } = names[key];
    const image = { repository, tag: config[key].imageTag };
    if (await imageExists(ecr, image)) continue;
    const running = await runningImage(ecs, { cluster: names.cluster, service }, container);
    if (running === undefined || running.endsWith(`/${nameOf(image)}`))
      builds.push({ image, project: delivery.build });
  }
  const { repository, delivery } = names.learning;
  const image = { repository, tag: config.learning.imageTag };
  if (await imageExists(ecr, image)) return builds;
  if (existsSync(path.join(ROOT, 'model/Dockerfile'))) builds.push({ image, project: delivery.build });
  else
    onSkip(`${nameOf(image)} is not built: there is no model/Dockerfile. The SageMaker pipelines need it.`);
  return builds;
};
