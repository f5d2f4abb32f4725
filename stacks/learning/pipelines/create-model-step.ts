import { RETRY_CALLS } from './retries.ts';
import { servingContainer } from './serving-container.ts';
import type { PipelineSettings } from './settings.ts';
import { type ModelStep, STEPS } from './steps.ts';
import { property } from './variables.ts';

/** Name of the model that the step made. */
export const CREATED_MODEL = property(STEPS.createModel, 'ModelName');

/** Makes a SageMaker model of what was trained: image, artifact and role, ready to be put on an endpoint. */
export const createModelStep = (settings: PipelineSettings): ModelStep => ({
  Name: STEPS.createModel,
  Type: 'Model',
  RetryPolicies: RETRY_CALLS,
  Arguments: {
    PrimaryContainer: servingContainer(settings),
    ExecutionRoleArn: settings.roles.serving,
    // TensorFlow Serving answers; it calls nobody.
    EnableNetworkIsolation: true,
  },
});
