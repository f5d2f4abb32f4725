import {
  ACCURACY_PATH,
  COMMANDS,
  EVALUATION_INPUTS,
  EVALUATION_OUTPUT,
  RESULT_PATH,
} from '../../../model/contract/sagemaker-jobs.ts';
import { destination, FOLDERS } from './locations.ts';
import { parameter } from './parameters.ts';
import { processingInput, processingJob } from './processing-job.ts';
import { RETRY_JOBS } from './retries.ts';
import type { PipelineSettings } from './settings.ts';
import { type ProcessingStep, STEPS } from './steps.ts';
import { TRAINED_MODEL } from './train-step.ts';
import { EXECUTION, fromFile, joined, property } from './variables.ts';

const REPORT = 'Report';

/** Share of the test photos that the model named rightly, 0 to 1. */
export const ACCURACY = fromFile(STEPS.evaluate, REPORT, ACCURACY_PATH);

/** The same in words. */
export const RESULT = fromFile(STEPS.evaluate, REPORT, RESULT_PATH);

/** Where the evaluation put its report. */
export const EVALUATION_REPORT = joined(
  '/',
  property(STEPS.evaluate, `ProcessingOutputConfig.Outputs['${EVALUATION_OUTPUT.name}'].S3Output.S3Uri`),
  EVALUATION_OUTPUT.file,
);

/**
 * Measures the packed model, as it would be served, on photos that it was not trained on. It reads the training photos
 * too: where no test photos were given, those held back lie among them.
 */
export const evaluateStep = (settings: PipelineSettings): ProcessingStep => ({
  Name: STEPS.evaluate,
  Type: 'Processing',
  RetryPolicies: RETRY_JOBS,
  Arguments: {
    ...processingJob(settings, { command: COMMANDS.evaluate, minutes: 60 }),
    ProcessingInputs: [
      processingInput('model', EVALUATION_INPUTS.model, TRAINED_MODEL),
      processingInput('train', EVALUATION_INPUTS.train, parameter('TrainData')),
      processingInput('test', EVALUATION_INPUTS.test, parameter('TestData')),
    ],
    ProcessingOutputConfig: {
      Outputs: [
        {
          OutputName: EVALUATION_OUTPUT.name,
          S3Output: {
            S3Uri: joined('/', destination(settings.datasetBucket, FOLDERS.reports), EXECUTION.id),
            LocalPath: EVALUATION_OUTPUT.path,
            S3UploadMode: 'EndOfJob',
          },
        },
      ],
    },
    NetworkConfig: { EnableNetworkIsolation: true },
    RoleArn: settings.roles.training,
  },
  PropertyFiles: [
    {
      PropertyFileName: REPORT,
      OutputName: EVALUATION_OUTPUT.name,
      FilePath: EVALUATION_OUTPUT.file,
    },
  ],
});
