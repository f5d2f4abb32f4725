import { ObjectNotFoundException } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerServiceException } from '@aws-sdk/client-sagemaker';

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

const THROTTLED = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
]);
/** Not ECONNREFUSED: that is a wrong region or address, and stays. */
const INTERRUPTED = new Set(['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'TimeoutError']);

/** Whether the next try may succeed: too many requests, a fault of AWS, or of the network. */
export const isTransient = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (THROTTLED.has(error.name) || INTERRUPTED.has(code)) return true;
  return error instanceof SageMakerServiceException && error.$fault === 'server';
};

/** `undefined` when the requested thing does not exist. */
export const undefinedIfNotFound = async <T>(request: Promise<T>): Promise<T | undefined> => {
  try {
    return await request;
  } catch (error) {
    if (isMissingInAws(error)) return undefined;
    throw error;
  }
};
