import {
  ACCURACY_PATH,
  CHANNELS,
  COMMANDS,
  DEPLOY_ENVIRONMENT,
  type DeployVariable,
  EVALUATION_INPUTS,
  EVALUATION_OUTPUT,
  HYPERPARAMETERS,
  METRIC_DEFINITIONS,
  MODEL_PROPERTY,
  RESULT_PATH,
  TRAINING_ENVIRONMENT,
  TRAINING_PATHS,
} from '../../model/contract/sagemaker-jobs.ts';
import { MODEL_NAME } from '../../model/contract/tensors.ts';
import type { Configuration } from '../config/schema.ts';
import { FOLDERS, inputPrefix, outputPrefix } from './folders.ts';
import {
  type Definition,
  type DefinitionParameter,
  type DefinitionStep,
  EXECUTION,
  fromFile,
  joined,
  type PipelineVariable,
  property,
  type RetryPolicy,
  type StepOfType,
} from './pipeline-schema.ts';

/** The settings that the definitions depend on. Strings may be references that only Terraform resolves. */
export interface PipelineSettings
  extends Omit<Configuration['learning'], 'servingImage' | 'imageTag' | 'studio'> {
  readonly region: string;
  /** Name of the bucket of photos, models and reports. */
  readonly datasetBucket: string;
  /** URI of the learning image, which trains, evaluates and deploys. */
  readonly trainingImage: string;
  /** URI of AWS's tensorflow-inference image. */
  readonly servingImage: string;
  /** Environment of the serving container: `SAGEMAKER_TFS_*`. */
  readonly servingEnvironment: Readonly<Record<string, string>>;
  /** ARNs of the roles of training and evaluation jobs, of the deployment job, and of the endpoint. */
  readonly roles: Readonly<Record<'training' | 'deploy' | 'serving', string>>;
  /** Prefix of the training jobs' names. */
  readonly trainingJobName: string;
  readonly modelPackageGroup: string;
  readonly endpointName: string;
  /** Names of the alarms that roll a new model back during its deployment. */
  readonly rollbackAlarms: readonly string[];
}

/** The names that people see, and by which steps refer to each other. */
const STEPS = {
  train: 'Train',
  evaluate: 'Evaluate',
  checkAccuracy: 'CheckAccuracy',
  createModel: 'CreateModel',
  registerModel: 'RegisterModel',
  deployEndpoint: 'DeployEndpoint',
  rejectModel: 'RejectModel',
} as const;

const REPORT = 'Report';
const JSON_TYPE = 'application/json';
const SECONDS_PER_HOUR = 3600;
/** How long a training on spot capacity may wait for instances in total, in addition to its running time. */
const SPOT_WAIT_HOURS = 4;
const VOLUME_GB = 30;

/** A value that can be set when the pipeline is started. */
const parameter = (name: string) => ({ Get: `Parameters.${name}` as const });

const TRAINED_MODEL = property(STEPS.train, 'ModelArtifacts.S3ModelArtifacts');
const CREATED_MODEL = property(STEPS.createModel, 'ModelName');
const REGISTERED_VERSION = property(STEPS.registerModel, 'ModelPackageArn');
const EVALUATION_REPORT = joined(
  '/',
  property(STEPS.evaluate, `ProcessingOutputConfig.Outputs['${EVALUATION_OUTPUT.name}'].S3Output.S3Uri`),
  EVALUATION_OUTPUT.file,
);

/** For failed API calls, which soon succeed: pauses of 10 s to 160 s. */
const CALLS: RetryPolicy = {
  ExceptionType: ['Step.SERVICE_FAULT', 'Step.THROTTLING'],
  IntervalSeconds: 10,
  BackoffRate: 2,
  MaxAttempts: 5,
};
/** For lacking capacity, which may take a while: pauses of 1 min to 16 min, half an hour in total. */
const INSTANCES: RetryPolicy = {
  ExceptionType: ['SageMaker.JOB_INTERNAL_ERROR', 'SageMaker.CAPACITY_ERROR'],
  IntervalSeconds: 60,
  BackoffRate: 2,
  MaxAttempts: 5,
};
const RETRY_CALLS = [CALLS];
const RETRY_JOBS = [CALLS, INSTANCES];

/**
 * Parameters of every pipeline; all have defaults. S3 locations are prefixes and end with a slash:
 * - `TrainData`, `TestData`: `<prefix>/<class>/<photo>`. Test photos are never used for training. By default there are
 * none, and the training holds out a tenth of each class of TrainData, chosen by content hash, and records which; it
 * does the same if TestData is TrainData itself. Photos in both are only used for testing.
 * - `InitialModel`: contains the model.tar.gz of an earlier training to start from; none by default.
 * - `Pretrained`: a pretrained TensorFlow.js model (`model.json` and weights) in graph or layers format, the frozen
 * backbone on which a small head is trained (transfer learning). The defaults of Epoch, BatchSize and LearningRate are
 * meant for it. The default is its folder in the dataset bucket; while that has no network, trainings start from random
 * weights.
 * - `TrainingImage`: runs all jobs of the execution, so that a model is evaluated by the code that trained it.
 */
const trainingParameters = ({ datasetBucket, trainingImage }: PipelineSettings) =>
  [
    { Name: 'TrainData', Type: 'String', DefaultValue: inputPrefix(datasetBucket, FOLDERS.photos) },
    { Name: 'TestData', Type: 'String', DefaultValue: inputPrefix(datasetBucket, FOLDERS.nothing) },
    { Name: 'Epoch', Type: 'Integer', DefaultValue: 10 },
    { Name: 'BatchSize', Type: 'Integer', DefaultValue: 16 },
    { Name: 'LearningRate', Type: 'Float', DefaultValue: 0.0001 },
    { Name: 'TrainingImage', Type: 'String', DefaultValue: trainingImage },
    { Name: 'InitialModel', Type: 'String', DefaultValue: inputPrefix(datasetBucket, FOLDERS.nothing) },
    { Name: 'Pretrained', Type: 'String', DefaultValue: inputPrefix(datasetBucket, FOLDERS.pretrained) },
  ] satisfies readonly DefinitionParameter[];

const channel = (name: string, prefix: string) => ({
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

/**
 * Trains on one GPU instance without network access: SageMaker copies everything in and out. Checkpoints are stored
 * under the execution's id, so that an interrupted or repeated job resumes where the last one of the same execution
 * stopped.
 */
const trainStep = (settings: PipelineSettings): StepOfType<'Training'> => {
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
      // Hyperparameters must be strings.
      HyperParameters: {
        [HYPERPARAMETERS.epochs]: joined('', parameter('Epoch')),
        [HYPERPARAMETERS.batchSize]: joined('', parameter('BatchSize')),
        [HYPERPARAMETERS.learningRate]: joined('', parameter('LearningRate')),
      },
      InputDataConfig: [
        channel(CHANNELS.train, 'TrainData'),
        channel(CHANNELS.test, 'TestData'),
        channel(CHANNELS.model, 'InitialModel'),
        channel(CHANNELS.pretrained, 'Pretrained'),
      ],
      OutputDataConfig: { S3OutputPath: outputPrefix(datasetBucket, FOLDERS.models) },
      CheckpointConfig: {
        LocalPath: TRAINING_PATHS.checkpoints,
        S3Uri: joined('/', outputPrefix(datasetBucket, FOLDERS.checkpoints), EXECUTION.id),
      },
      ResourceConfig: {
        InstanceType: settings.trainingInstanceType,
        InstanceCount: 1,
        VolumeSizeInGB: VOLUME_GB,
      },
      EnableManagedSpotTraining: trainingSpot,
      StoppingCondition: {
        MaxRuntimeInSeconds: seconds,
        // Only allowed with spot capacity.
        ...(trainingSpot && { MaxWaitTimeInSeconds: seconds + SPOT_WAIT_HOURS * SECONDS_PER_HOUR }),
      },
      EnableNetworkIsolation: true,
      Environment: { [TRAINING_ENVIRONMENT.requireGpu]: 'true' },
      RoleArn: settings.roles.training,
    },
  };
};

/** The arguments that our processing jobs share: one command of the learning image, on one instance. */
const processingJob = (settings: PipelineSettings, command: string, minutes: number) => ({
  // Keeps the image's entry point, which training jobs use too.
  AppSpecification: { ImageUri: parameter('TrainingImage'), ContainerArguments: [command] },
  ProcessingResources: {
    ClusterConfig: {
      InstanceType: settings.processingInstanceType,
      InstanceCount: 1 as const,
      VolumeSizeInGB: VOLUME_GB,
    },
  },
  StoppingCondition: { MaxRuntimeInSeconds: minutes * 60 },
});

/** S3 objects that SageMaker copies into a folder of the container. */
const processingInput = (name: string, folder: string, uri: PipelineVariable) => ({
  InputName: name,
  S3Input: {
    S3Uri: uri,
    LocalPath: folder,
    S3DataType: 'S3Prefix' as const,
    S3InputMode: 'File' as const,
    S3DataDistributionType: 'FullyReplicated' as const,
  },
});

/**
 * Evaluates the packed model, as it would be served, on photos that it was not trained on. It also gets the training
 * photos, which include the held-out ones if there are no test photos.
 */
const evaluateStep = (settings: PipelineSettings): StepOfType<'Processing'> => ({
  Name: STEPS.evaluate,
  Type: 'Processing',
  RetryPolicies: RETRY_JOBS,
  Arguments: {
    ...processingJob(settings, COMMANDS.evaluate, 60),
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
            S3Uri: joined('/', outputPrefix(settings.datasetBucket, FOLDERS.reports), EXECUTION.id),
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
    { PropertyFileName: REPORT, OutputName: EVALUATION_OUTPUT.name, FilePath: EVALUATION_OUTPUT.file },
  ],
});

/** TensorFlow Serving with the trained model, both for the SageMaker model and for the registered version. */
const servingContainer = ({ servingImage, servingEnvironment }: PipelineSettings) => ({
  Image: servingImage,
  ModelDataUrl: TRAINED_MODEL,
  // Our code names the archive's folder, so this is not a setting.
  Environment: { ...servingEnvironment, SAGEMAKER_TFS_DEFAULT_MODEL_NAME: MODEL_NAME },
});

/** Creates a SageMaker model from the training's result: image, artifact and role, ready for an endpoint. */
const createModelStep = (settings: PipelineSettings): StepOfType<'Model'> => ({
  Name: STEPS.createModel,
  Type: 'Model',
  RetryPolicies: RETRY_CALLS,
  Arguments: {
    PrimaryContainer: servingContainer(settings),
    ExecutionRoleArn: settings.roles.serving,
    // TensorFlow Serving needs no network access.
    EnableNetworkIsolation: true,
  },
});

/** The parameters that document a model's origin. */
const ORIGIN = ['TrainingImage', 'TrainData', 'TestData', 'InitialModel', 'Pretrained'];

/** Registers the model as a new version, with its evaluation, image and data. */
const registerModelStep = (settings: PipelineSettings): StepOfType<'RegisterModel'> => ({
  Name: STEPS.registerModel,
  Type: 'RegisterModel',
  RetryPolicies: RETRY_CALLS,
  Arguments: {
    ModelPackageGroupName: settings.modelPackageGroup,
    // It has passed the accuracy check.
    ModelApprovalStatus: settings.approval === 'manual' ? 'PendingManualApproval' : 'Approved',
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
      [MODEL_PROPERTY]: CREATED_MODEL,
      PipelineExecution: EXECUTION.arn,
      ...Object.fromEntries(ORIGIN.map((name) => [name, parameter(name)])),
    },
  },
});

/**
 * Deploys the model: creates the endpoint the first time, and later shifts traffic gradually, rolling back if an alarm
 * goes off. The job can be repeated: it checks the current state before it changes anything.
 */
const deployEndpointStep = (settings: PipelineSettings): StepOfType<'Processing'> => ({
  Name: STEPS.deployEndpoint,
  Type: 'Processing',
  RetryPolicies: RETRY_JOBS,
  Arguments: {
    // A gradual update of an endpoint with several instances takes more than half an hour.
    ...processingJob(settings, COMMANDS.deploy, 120),
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

/** Registers and deploys the model only if it is accurate enough; otherwise fails the execution and changes nothing. */
const checkAccuracyStep = (settings: PipelineSettings): StepOfType<'Condition'> => ({
  Name: STEPS.checkAccuracy,
  Type: 'Condition',
  Arguments: {
    Conditions: [
      {
        Type: 'GreaterThanOrEqualTo',
        LeftValue: fromFile(STEPS.evaluate, REPORT, ACCURACY_PATH),
        RightValue: parameter('MinAccuracy'),
      },
    ],
    IfSteps: [
      createModelStep(settings),
      registerModelStep(settings),
      ...(settings.approval === 'manual' ? [] : [deployEndpointStep(settings)]),
    ],
    ElseSteps: [
      {
        Name: STEPS.rejectModel,
        Type: 'Fail',
        Arguments: {
          ErrorMessage: joined(
            '',
            'The model is not deployed: it is right on ',
            fromFile(STEPS.evaluate, REPORT, RESULT_PATH),
            ', and MinAccuracy is ',
            parameter('MinAccuracy'),
            '. The model served so far stays. Add photos, train for more epochs, or start from an earlier model.',
          ),
        },
      },
    ],
  },
});

const definition = (Parameters: DefinitionParameter[], ...Steps: DefinitionStep[]): Definition => ({
  Version: '2020-12-01',
  Metadata: {},
  Parameters,
  Steps,
});

/**
 * The three SageMaker pipelines, each of which extends the one before: train a model; also create a SageMaker model;
 * also evaluate it and, if it is accurate enough, register and deploy it, unless a person has to approve it first.
 */
export const pipelineDefinitions = (settings: PipelineSettings) => {
  const parameters = trainingParameters(settings);
  const minAccuracy = { Name: 'MinAccuracy', Type: 'Float', DefaultValue: settings.minAccuracy } as const;
  const train = trainStep(settings);
  return {
    train: definition(parameters, train),
    model: definition(parameters, train, createModelStep(settings)),
    deploy: definition(
      [...parameters, minAccuracy],
      train,
      evaluateStep(settings),
      checkAccuracyStep(settings),
    ),
  };
};
