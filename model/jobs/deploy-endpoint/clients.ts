import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';

export interface Clients {
  readonly sageMaker: SageMakerClient;
  readonly scaling: ApplicationAutoScalingClient;
  readonly runtime: SageMakerRuntimeClient;
}

const CONNECTION_MILLISECONDS = 5_000;
/** A model may take 60 s to answer. */
const SILENCE_MILLISECONDS = 70_000;

/**
 * Clients with the SDK's own chain of credentials and addresses (AWS_ENDPOINT_URL and its kin). They slow down by
 * themselves when they are throttled: a deployment has time. By default the SDK would wait for ever for an answer that
 * got lost on its way, and the job would neither see its time limit nor be able to stop.
 *
 * @param silence milliseconds after which a connection on which nothing comes is given up, and the call tried again
 */
export const createClients = (region: string, silence = SILENCE_MILLISECONDS): Clients => {
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
