import { EVALUATION_REPORT } from './evaluate-step.ts';
import { parameter } from './parameters.ts';
import { RETRY_CALLS } from './retries.ts';
import { servingContainer } from './serving-container.ts';
import type { PipelineSettings } from './settings.ts';
import { type RegisterModelStep, STEPS } from './steps.ts';
import { EXECUTION, property } from './variables.ts';

const JSON_TYPE = 'application/json';

/** ARN of the version that the step registered. */
export const REGISTERED_VERSION = property(STEPS.registerModel, 'ModelPackageArn');

/** Records the model as a new version, with what it was measured at and what it was made of. */
export const registerModelStep = (settings: PipelineSettings): RegisterModelStep => ({
  Name: STEPS.registerModel,
  Type: 'RegisterModel',
  RetryPolicies: RETRY_CALLS,
  Arguments: {
    ModelPackageGroupName: settings.modelPackageGroup,
    // It has passed the check of its accuracy, and is being deployed.
    ModelApprovalStatus: 'Approved',
    InferenceSpecification: {
      Containers: [servingContainer(settings)],
      SupportedContentTypes: [JSON_TYPE],
      SupportedResponseMIMETypes: [JSON_TYPE],
      SupportedRealtimeInferenceInstanceTypes: [settings.endpointInstanceType],
    },
    ModelMetrics: {
      ModelQuality: { Statistics: { ContentType: JSON_TYPE, S3Uri: EVALUATION_REPORT } },
    },
    CustomerMetadataProperties: {
      PipelineExecution: EXECUTION.arn,
      TrainingImage: parameter('TrainingImage'),
      TrainData: parameter('TrainData'),
      TestData: parameter('TestData'),
      InitialModel: parameter('InitialModel'),
      Pretrained: parameter('Pretrained'),
    },
  },
});
