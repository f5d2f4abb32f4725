import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationAutoScalingClient,
  ObjectNotFoundException,
} from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient, SageMakerServiceException } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import type { DeploySettings } from './settings.ts';

/** Time, so that tests need not wait for it. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** @throws the signal's reason when it is aborted meanwhile */
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
 * Clients with the SDK's own chain of credentials and addresses (AWS_ENDPOINT_URL and similar). They slow down by
 * themselves when they are throttled: a deployment has time. By default the SDK would wait forever for an answer that
 * was lost on its way, and the job would neither see its time limit nor be able to stop.
 *
 * @param silence milliseconds after which a silent connection is given up, and the call tried again
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

/** One run of the deployment job: what it is to do, and with what. */
export interface DeployContext {
  readonly settings: DeploySettings;
  readonly clients: DeployClients;
  readonly clock: Clock;
  /** When the run began, by the clock. */
  readonly startedAt: number;
  /** Called with a line of progress. */
  readonly report: (line: string) => void;
  /** Ends the waiting; SageMaker itself finishes what was started. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What SageMaker's errors mean. Most of them are ValidationException and differ in their wording only. AWS's own
 * controller goes by the same words (github.com/aws/amazon-sagemaker-operator-for-k8s).
 */

const says = (error: unknown, words: RegExp): boolean =>
  error instanceof SageMakerServiceException &&
  error.name === 'ValidationException' &&
  words.test(error.message);

/** There is no such endpoint, configuration of an endpoint, or scalable target. */
export const isMissingInAws = (error: unknown): boolean =>
  error instanceof ObjectNotFoundException || says(error, /could not find endpoint/i);

export const isAlreadyExists = (error: unknown): boolean => says(error, /cannot create already existing/i);

/** The endpoint is being changed, and accepts no other change meanwhile. */
export const isInProgress = (error: unknown): boolean => says(error, /cannot update in-progress/i);

/** Not ECONNREFUSED: that is a wrong region or address, and stays. */
const TRANSIENT = new Set([
  ...['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'],
  ...['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'TimeoutError'],
]);

/** Whether the next try may succeed: too many requests, a fault of AWS, or of the network. */
export const isTransient = (error: unknown): boolean =>
  error instanceof Error &&
  (TRANSIENT.has(error.name) ||
    ('code' in error && TRANSIENT.has(String(error.code))) ||
    (error instanceof SageMakerServiceException && error.$fault === 'server'));

/** `undefined` when the requested thing does not exist. */
export const undefinedIfNotFound = <T>(request: Promise<T>): Promise<T | undefined> =>
  request.catch((error: unknown) => {
    if (isMissingInAws(error)) return undefined;
    throw error;
  });
