import {
  DescribeEndpointCommand,
  type EndpointStatus,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { orMissing } from './aws-errors.ts';

/** What an endpoint does, as far as a deployment must know. */
export interface EndpointState {
  readonly arn: string;
  readonly status: EndpointStatus;
  /** Name of the configuration that it serves; while it is being created, of the one that it will. */
  readonly config: string;
  /** Name of the configuration that it is on its way to. */
  readonly pending: string | undefined;
  readonly failureReason: string | undefined;
  readonly desiredInstances: number;
}

/** Whether the endpoint stays in a status until somebody acts. */
const LASTS: Readonly<Record<EndpointStatus, boolean>> = {
  Creating: false,
  Deleting: false,
  Failed: true,
  InService: true,
  OutOfService: true,
  RollingBack: false,
  SystemUpdating: false,
  UpdateRollbackFailed: true,
  Updating: false,
};

/** Whether nothing is under way: there is no endpoint, or it stays as it is. A status that AWS may add is waited out. */
export const isSettled = (state: EndpointState | undefined): boolean =>
  state === undefined || LASTS[state.status] === true;

/** Whether there is nothing that could serve again by itself. */
export const isGone = (state: EndpointState | undefined): boolean =>
  state === undefined || state.status === 'Deleting' || state.status === 'Failed';

export const isServing = (state: EndpointState | undefined, config: string): boolean =>
  state?.status === 'InService' && state.config === config;

/** Whether the endpoint is on its way to a configuration that it does not serve yet, or on its way back from it. */
export const isHeadingFor = (state: EndpointState | undefined, config: string): boolean =>
  state !== undefined &&
  !isSettled(state) &&
  (state.status === 'Creating'
    ? (state.pending ?? state.config) === config
    : state.pending === config && state.config !== config);

/** Whether the endpoint serves a configuration and is already on its way to another one. */
export const isBeingReplaced = (state: EndpointState | undefined, config: string): boolean =>
  state?.config === config && state.pending !== undefined && state.pending !== config;

/** @returns `undefined` when there is no such endpoint */
export const describeEndpoint = async (
  client: SageMakerClient,
  endpointName: string,
): Promise<EndpointState | undefined> => {
  const found = await orMissing(client.send(new DescribeEndpointCommand({ EndpointName: endpointName })));
  if (found?.EndpointStatus === undefined) return undefined;
  return {
    arn: found.EndpointArn ?? '',
    status: found.EndpointStatus,
    config: found.EndpointConfigName ?? '',
    pending: found.PendingDeploymentSummary?.EndpointConfigName,
    failureReason: found.FailureReason,
    desiredInstances: found.ProductionVariants?.[0]?.DesiredInstanceCount ?? 0,
  };
};
