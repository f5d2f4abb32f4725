import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';

export interface Clients {
  readonly sageMaker: SageMakerClient;
  readonly scaling: ApplicationAutoScalingClient;
  readonly runtime: SageMakerRuntimeClient;
}

/**
 * Clients with the SDK's own chain of credentials and addresses (AWS_ENDPOINT_URL and its kin). They slow down by
 * themselves when they are throttled: a deployment has time.
 */
export const createClients = (region: string): Clients => {
  const settings = { region, retryMode: 'adaptive', maxAttempts: 8 };
  return {
    sageMaker: new SageMakerClient(settings),
    scaling: new ApplicationAutoScalingClient(settings),
    runtime: new SageMakerRuntimeClient(settings),
  };
};
