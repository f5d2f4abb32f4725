import { COMMANDS, DEPLOY_ENVIRONMENT, type DeployVariable } from '../../../model/contract/sagemaker-jobs.ts';
import { CREATED_MODEL } from './create-model-step.ts';
import { processingJob } from './processing-job.ts';
import { REGISTERED_VERSION } from './register-model-step.ts';
import { RETRY_JOBS } from './retries.ts';
import type { PipelineSettings } from './settings.ts';
import { type ProcessingStep, STEPS } from './steps.ts';
import type { PipelineVariable } from './variables.ts';

/**
 * Puts the model on the endpoint: creates it the first time, and afterwards updates it bit by bit, taking the model
 * back if an alarm rings. The job may be repeated: it looks at what is there before it changes anything.
 */
export const deployEndpointStep = (settings: PipelineSettings): ProcessingStep => ({
  Name: STEPS.deployEndpoint,
  Type: 'Processing',
  RetryPolicies: RETRY_JOBS,
  Arguments: {
    // A careful update of an endpoint with several machines takes more than half an hour.
    ...processingJob(settings, { command: COMMANDS.deploy, minutes: 120 }),
    Environment: {
      [DEPLOY_ENVIRONMENT.endpointName]: settings.endpointName,
      [DEPLOY_ENVIRONMENT.modelName]: CREATED_MODEL,
      [DEPLOY_ENVIRONMENT.modelPackage]: REGISTERED_VERSION,
      [DEPLOY_ENVIRONMENT.instanceType]: settings.endpointInstanceType,
      [DEPLOY_ENVIRONMENT.minInstances]: String(settings.endpointMinInstances),
      [DEPLOY_ENVIRONMENT.maxInstances]: String(settings.endpointMaxInstances),
      [DEPLOY_ENVIRONMENT.rollbackAlarms]: settings.rollbackAlarms.join(','),
      [DEPLOY_ENVIRONMENT.region]: settings.region,
    } satisfies Record<DeployVariable, string | PipelineVariable>,
    RoleArn: settings.roles.deploy,
  },
});
