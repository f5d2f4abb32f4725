import { type Deployment, DescribeServicesCommand, type ECSClient, type Service } from '@aws-sdk/client-ecs';
import { duration } from '../progress.ts';
import type { Report } from './status.ts';
import { type Waiting, waitFor } from './wait.ts';

export interface ServiceId {
  /** Name or ARN. */
  readonly cluster: string;
  /** Name or ARN. */
  readonly service: string;
}

/**
 * Describes a service.
 *
 * @returns nothing when there is no such service (any more)
 */
export const describeService = async (
  client: ECSClient,
  { cluster, service }: ServiceId,
): Promise<Service | undefined> => {
  const { services = [] } = await client.send(new DescribeServicesCommand({ cluster, services: [service] }));
  return services.find(({ status }) => status === 'ACTIVE');
};

/** The deployment that is to replace all others. */
export const primaryOf = (service: Service): Deployment | undefined =>
  service.deployments?.find(({ status }) => status === 'PRIMARY');

const EVENTS_SHOWN = 5;

const describeFailure = (service: Service, failed: Deployment): string => {
  const { createdAt: since = new Date(0), rolloutStateReason = '' } = failed;
  const events = (service.events ?? [])
    .filter(({ createdAt = since }) => createdAt >= since)
    .slice(0, EVENTS_SHOWN)
    .map(({ message }) => `  ${message}`);
  return [
    `${service.serviceName}: ECS gave the deployment up; what ran before goes on. ${rolloutStateReason}`,
    ...(events.length > 0 ? ["The service's latest events:", ...events] : []),
    'Look at the stopped tasks in the ECS console and at their logs, mend the cause, and run npm run deploy again.',
  ].join('\n');
};

/**
 * Waits until a deployment of a service has put all its tasks in place.
 *
 * @param deploymentId as in the service's description
 * @throws Error when ECS gives it up, with ECS's reason, or when another deployment replaces it
 */
export const waitForDeployment = async (
  client: ECSClient,
  id: ServiceId,
  deploymentId: string,
  waiting: Waiting,
  report: Report,
): Promise<void> => {
  const started = performance.now();
  await waitFor(`${id.service} to run its new tasks`, waiting, async () => {
    const service = await describeService(client, id);
    if (!service) throw new Error(`The service ${id.service} is gone. Run npm run deploy again to make it.`);
    const deployment = service.deployments?.find((each) => each.id === deploymentId);
    if (!deployment)
      throw new Error(
        `${service.serviceName}: another deployment has replaced this one, perhaps of its pipeline. Run npm run deploy again.`,
      );
    if (deployment.rolloutState === 'FAILED') throw new Error(describeFailure(service, deployment));
    const { runningCount = 0, desiredCount = 0, rolloutState } = deployment;
    const status = `${service.serviceName}: ${runningCount} of ${desiredCount} tasks`;
    report(`${status} (${duration((performance.now() - started) / 1000)})`, status);
    return rolloutState === 'COMPLETED' ? true : undefined;
  });
};
