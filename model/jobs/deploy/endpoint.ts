import { DescribeEndpointCommand, type EndpointStatus, type Tag } from '@aws-sdk/client-sagemaker';
import { errorText } from '../../shared/text.ts';
import { type DeployContext, isTransient, undefinedIfNotFound } from './context.ts';
import type { DeploySettings } from './settings.ts';

/** The state of an endpoint, as far as it matters for a deployment. */
export interface EndpointState {
  readonly arn: string;
  readonly status: EndpointStatus;
  /** Name of the configuration in service, or of the first one while the endpoint is being created. */
  readonly config: string;
  /** Name of the configuration that is being rolled out. */
  readonly pending: string | undefined;
  readonly failureReason: string | undefined;
  readonly desiredInstances: number;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}

/** Final statuses, in which an endpoint remains. Unknown statuses are waited out. */
const STABLE: readonly EndpointStatus[] = ['Failed', 'InService', 'OutOfService', 'UpdateRollbackFailed'];

/** Whether nothing is in progress: there is no endpoint, or its status is final. */
export const isSettled = (state: EndpointState | undefined): boolean =>
  state === undefined || STABLE.includes(state.status);

/** Whether there is nothing that could recover by itself. */
export const isGone = (state: EndpointState | undefined): boolean =>
  state === undefined || state.status === 'Deleting' || state.status === 'Failed';

export const isServing = (state: EndpointState | undefined, config: string): boolean =>
  state?.status === 'InService' && state.config === config;

interface EndpointAccess extends Pick<DeployContext, 'clients'> {
  readonly settings: Pick<DeploySettings, 'endpointName'>;
}

/** @returns `undefined` if there is no such endpoint */
export const describeEndpoint = async ({
  settings: { endpointName },
  clients,
}: EndpointAccess): Promise<EndpointState | undefined> => {
  const describe = new DescribeEndpointCommand({ EndpointName: endpointName });
  const found = await undefinedIfNotFound(clients.sageMaker.send(describe));
  if (found?.EndpointStatus === undefined) return undefined;
  return {
    arn: found.EndpointArn ?? '',
    status: found.EndpointStatus,
    config: found.EndpointConfigName ?? '',
    pending: found.PendingDeploymentSummary?.EndpointConfigName,
    failureReason: found.FailureReason,
    desiredInstances: found.ProductionVariants?.[0]?.DesiredInstanceCount ?? 0,
    changedAt: found.LastModifiedTime?.getTime() ?? 0,
  };
};

/** Tags that show in the console which model an endpoint serves. */
export const endpointTags = ({ modelPackage }: DeploySettings): Tag[] => [
  { Key: 'model-version', Value: String(modelPackage.version) },
  { Key: 'model-package', Value: modelPackage.arn },
];

/** Maximum factor by which pauses grow while AWS does not answer. */
const SLOWER = 4;
/** Jitter, so that runs that were started together do not keep polling together. */
const JITTER = 0.2;

const isOverdue = ({ settings, startedAt, clock }: DeployContext): boolean =>
  clock.now() > startedAt + settings.limitMinutes * 60_000;

/**
 * Waits until the next poll.
 *
 * @throws Error if the time limit has passed
 */
export const pause = async (context: DeployContext, polls = 1): Promise<void> => {
  const { clock, settings, signal } = context;
  if (isOverdue(context))
    throw new Error(
      `The job gives up after ${settings.limitMinutes} minutes: others keep changing the endpoint ${settings.endpointName}. Stop them and run the pipeline's DeployEndpoint step again.`,
    );
  const jitter = 1 + JITTER * (2 * Math.random() - 1);
  await clock.sleep(settings.pollSeconds * 1000 * polls * jitter, signal);
};

/**
 * Waits until nothing is in progress. Throttling and errors of AWS only slow it down.
 *
 * @returns the endpoint's state; `undefined` if there is none
 * @throws Error if the time limit passes
 */
export const waitUntilSettled = async (context: DeployContext): Promise<EndpointState | undefined> => {
  const { settings, clock, report, signal } = context;
  const { endpointName, limitMinutes } = settings;
  let last: string | undefined;
  let since = clock.now();
  for (;;) {
    signal?.throwIfAborted();
    let polls = 1;
    try {
      const state = await describeEndpoint(context);
      if (isSettled(state)) return state;
      if (state?.status !== last) {
        since = clock.now();
        report(`The endpoint ${endpointName} is ${state?.status}.`);
      }
      last = state?.status;
    } catch (error) {
      if (!isTransient(error)) throw error;
      polls = SLOWER;
      report(`SageMaker cannot answer now (${errorText(error)}); asking again.`);
    }
    if (isOverdue(context)) {
      const minutes = Math.floor((clock.now() - since) / 60_000);
      const what = last
        ? `The endpoint ${endpointName} has been stuck in ${last} for ${minutes} minutes`
        : `SageMaker has not reported the state of the endpoint ${endpointName} for ${minutes} minutes`;
      throw new Error(
        `${what}; the job gives up after ${limitMinutes} minutes. SageMaker will finish what was started. Look at the log group /aws/sagemaker/Endpoints/${endpointName}: usually the container does not start, or SageMaker has no instances available. Run the pipeline's DeployEndpoint step again once the endpoint is settled.`,
      );
    }
    await pause(context, polls);
  }
};
