import {
  CHANNELS,
  HYPERPARAMETERS,
  METRIC_DEFINITIONS,
  TRAINING_ENVIRONMENT,
  TRAINING_PATHS,
} from '../../../model/contract/sagemaker-jobs.ts';
import { destination, FOLDERS } from './locations.ts';
import { type Parameter, parameter } from './parameters.ts';
import { RETRY_JOBS } from './retries.ts';
import type { PipelineSettings } from './settings.ts';
import { STEPS, type TrainingStep } from './steps.ts';
import { EXECUTION, joined, property } from './variables.ts';

/** Where the training put its model.tar.gz. */
export const TRAINED_MODEL = property(STEPS.train, 'ModelArtifacts.S3ModelArtifacts');

const SECONDS_PER_HOUR = 3600;
/** How long a training on spot capacity may in all wait for machines, on top of the hours that it runs. */
const SPOT_WAIT_HOURS = 4;
const VOLUME_GB = 30;

const channel = (name: string, prefix: Parameter['Name']) => ({
  ChannelName: name,
  InputMode: 'File' as const,
  DataSource: {
    S3DataSource: {
      S3DataType: 'S3Prefix' as const,
      S3DataDistributionType: 'FullyReplicated' as const,
      S3Uri: parameter(prefix),
    },
  },
});

/** Hyperparameters must be strings; joined alone, a number is its text. */
const text = (name: Parameter['Name']) => joined('', parameter(name));

/**
 * Trains on one GPU machine, without network: SageMaker carries everything in and out. Checkpoints lie under the
 * execution's id, so an interrupted or repeated job goes on where the last one of the same execution stopped.
 */
export const trainStep = (settings: PipelineSettings): TrainingStep => {
  const { datasetBucket, trainingHours, trainingSpot } = settings;
  const seconds = trainingHours * SECONDS_PER_HOUR;
  return {
    Name: STEPS.train,
    Type: 'Training',
    RetryPolicies: RETRY_JOBS,
    Arguments: {
      TrainingJobName: settings.trainingJobName,
      AlgorithmSpecification: {
        TrainingImage: parameter('TrainingImage'),
        TrainingInputMode: 'File',
        MetricDefinitions: METRIC_DEFINITIONS,
      },
      HyperParameters: {
        [HYPERPARAMETERS.epochs]: text('Epoch'),
        [HYPERPARAMETERS.batchSize]: text('BatchSize'),
        [HYPERPARAMETERS.learningRate]: text('LearningRate'),
      },
      InputDataConfig: [
        channel(CHANNELS.train, 'TrainData'),
        channel(CHANNELS.test, 'TestData'),
        channel(CHANNELS.model, 'InitialModel'),
        channel(CHANNELS.pretrained, 'Pretrained'),
      ],
      OutputDataConfig: { S3OutputPath: destination(datasetBucket, FOLDERS.models) },
      CheckpointConfig: {
        LocalPath: TRAINING_PATHS.checkpoints,
        S3Uri: joined('/', destination(datasetBucket, FOLDERS.checkpoints), EXECUTION.id),
      },
      ResourceConfig: {
        InstanceType: settings.trainingInstanceType,
        InstanceCount: 1,
        VolumeSizeInGB: VOLUME_GB,
      },
      EnableManagedSpotTraining: trainingSpot,
      StoppingCondition: {
        MaxRuntimeInSeconds: seconds,
        // Refused without spot capacity.
        ...(trainingSpot && { MaxWaitTimeInSeconds: seconds + SPOT_WAIT_HOURS * SECONDS_PER_HOUR }),
      },
      EnableNetworkIsolation: true,
      Environment: { [TRAINING_ENVIRONMENT.requireGpu]: 'true' },
      RoleArn: settings.roles.training,
    },
  };
};
