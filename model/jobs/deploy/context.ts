import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationAutoScalingClient,
  ObjectNotFoundException,
} from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient, SageMakerServiceException } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import type { DeploySettings } from './settings.ts';

/** Time, which tests replace. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** @throws the signal's reason if it is aborted meanwhile */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (milliseconds, signal) =>
    sleep(milliseconds, undefined, signal && { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    }),
};

export interface DeployClients {
  readonly sageMaker: SageMakerClient;
  readonly scaling: ApplicationAutoScalingClient;
  readonly runtime: SageMakerRuntimeClient;
}

const CONNECTION_MILLISECONDS = 5_000;
/** A model may take 60 s to answer. */
const SILENCE_MILLISECONDS = 70_000;

/**
 * Clients with the SDK's usual credentials and endpoints (AWS_ENDPOINT_URL and similar). They slow down when throttled,
 * because a deployment has time. By default the SDK would wait forever for a lost response, and the job could neither
 * time out nor stop.
 *
 * @param silence milliseconds after which a silent connection is abandoned and the call retried
 */
export const createDeployClients = (region: string, silence = SILENCE_MILLISECONDS): DeployClients => {
  const settings = {
    region,
    retryMode: 'adaptive',
    maxAttempts: 8,
    requestHandler: { connectionTimeout: CONNECTION_MILLISECONDS, socketTimeout: silence },
  };
  return {
    sageMaker: new SageMakerClient(settings),
    scaling: new ApplicationAutoScalingClient(settings),
    runtime: new SageMakerRuntimeClient(settings),
  };
};

export interface DeployContext {
  readonly settings: DeploySettings;
  readonly clients: DeployClients;
  readonly clock: Clock;
  /** When the run started, by the clock. */
  readonly startedAt: number;
  /** Called with lines of progress. */
  readonly report: (line: string) => void;
  /** Stops waiting; SageMaker itself finishes what was started. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The meanings of SageMaker's errors. Most of them are ValidationException and only differ in their message. AWS's own
 * controller matches the same messages (github.com/aws/amazon-sagemaker-operator-for-k8s).
 */

const says = (error: unknown, words: RegExp): boolean =>
  error instanceof SageMakerServiceException &&
  error.name === 'ValidationException' &&
  words.test(error.message);

/** The endpoint, endpoint configuration or scalable target does not exist. */
export const isMissingInAws = (error: unknown): boolean =>
  error instanceof ObjectNotFoundException || says(error, /could not find endpoint/i);

export const isAlreadyExists = (error: unknown): boolean => says(error, /cannot create already existing/i);

/** The endpoint is being changed, and accepts no other change now. */
export const isInProgress = (error: unknown): boolean => says(error, /cannot update in-progress/i);

/** Without ECONNREFUSED, which means a wrong region or address and is permanent. */
const TRANSIENT = new Set([
  ...['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'],
  ...['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'TimeoutError'],
]);

/** Whether a retry may succeed: after throttling, or errors of AWS or the network. */
export const isTransient = (error: unknown): boolean =>
  error instanceof Error &&
  (TRANSIENT.has(error.name) ||
    ('code' in error && TRANSIENT.has(String(error.code))) ||
    (error instanceof SageMakerServiceException && error.$fault === 'server'));

/** `undefined` if the requested resource does not exist. */
export const undefinedIfNotFound = <T>(request: Promise<T>): Promise<T | undefined> =>
  request.catch((error: unknown) => {
    if (isMissingInAws(error)) return undefined;
    throw error;
  });
