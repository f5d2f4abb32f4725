/**
 * The contract between the SageMaker pipelines, which define the jobs, and the learning image, which runs them. Paths
 * are SageMaker's container contract ("Using your own training container", "Build your own processing container").
 */

/** First argument of the image's entry point. SageMaker itself passes `train` to a training job. */
export const COMMANDS = { train: 'train', evaluate: 'evaluate', deploy: 'deploy' } as const;

/** SageMaker's name for the packed model, whatever it contains. */
export const MODEL_ARCHIVE = 'model.tar.gz';

/**
 * In the archive, next to the model: the photos it has seen as `{train, validation, test}`, each a list of content
 * hashes. Evaluation only uses `test`, so that photos added later cannot leak into it, and a later training that starts
 * from this model does not test on photos that this one has learned from.
 */
export const PHOTOS_FILE = 'photos.json';

/**
 * Channels of a training job; each is a folder below {@link TRAINING_PATHS.channels}. SageMaker has no optional
 * channels and refuses empty ones, so a channel without usable content (for example with only a placeholder) counts as
 * absent.
 */
export const CHANNELS = {
  /** `<class>/<photo>` */
  train: 'train',
  /**
   * `<class>/<photo>`, never trained on; photos that are also in `train` are left out of it. If it is absent or has the
   * same photos as `train`, a tenth of each class of `train`, chosen by content hash, is held out.
   */
  test: 'test',
  /** An earlier {@link MODEL_ARCHIVE} to start from; optional. */
  model: 'model',
  /**
   * A pretrained TensorFlow.js model (`model.json` and its weights) in graph or layers format: the frozen backbone on
   * which a small head is trained; optional.
   */
  pretrained: 'pretrained',
} as const;

/**
 * Keys of `hyperparameters.json`. All values are strings; parse numbers with `Number`, because `1.0E-4` is possible.
 */
export const HYPERPARAMETERS = {
  epochs: 'epochs',
  batchSize: 'batch-size',
  learningRate: 'learning-rate',
} as const;

export const TRAINING_ENVIRONMENT = {
  /** `true`: fail at once if no GPU can be used, rather than train slowly on an expensive instance. */
  requireGpu: 'REQUIRE_GPU',
} as const;

export const TRAINING_PATHS = {
  /** Contains one folder per channel. */
  channels: '/opt/ml/input/data',
  hyperparameters: '/opt/ml/input/config/hyperparameters.json',
  /** Packed into {@link MODEL_ARCHIVE}. */
  model: '/opt/ml/model',
  /** Packed into output.tar.gz: the report. */
  output: '/opt/ml/output/data',
  /** Why the job failed; SageMaker shows the first 1024 characters. */
  failure: '/opt/ml/output/failure',
  /** Copied to S3 while the job runs, and back when it is restarted after an interruption. */
  checkpoints: '/opt/ml/checkpoints',
} as const;

/**
 * The four metrics of an epoch, as the training job prints them and SageMaker finds them in its log. Each key ends with
 * `=` and each number with `;`, and no key is part of another, so that no pattern matches another's number.
 */
const METRICS = ['training_loss', 'training_accuracy', 'validation_loss', 'validation_accuracy'] as const;

/** Without an exponent, which the patterns would not match. */
const DECIMALS = 6;

interface Scores {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
}

interface EpochScores {
  readonly training: Scores;
  /** Absent if there are no validation photos. */
  readonly validation?: Scores | undefined;
}

/** `MetricDefinitions` of a training job: `training:loss` and so on. */
export const METRIC_DEFINITIONS = METRICS.map((key) => ({
  Name: key.replace('_', ':'),
  Regex: `${key}=([0-9]+\\.[0-9]+);`,
}));

/** The line that the training job prints to stdout after an epoch. */
export const metricsLine = ({ training, validation }: EpochScores): string => {
  const values = {
    training_loss: training.loss,
    training_accuracy: training.accuracy,
    validation_loss: validation?.loss,
    validation_accuracy: validation?.accuracy,
  };
  return METRICS.flatMap((key) => {
    const value = values[key];
    return value === undefined ? [] : [`${key}=${value.toFixed(DECIMALS)};`];
  }).join(' ');
};

/** Folders that the evaluation job reads. `train` and `test` have the content of the channels with these names. */
export const EVALUATION_INPUTS = {
  /** Contains {@link MODEL_ARCHIVE}. */
  model: '/opt/ml/processing/input/model',
  train: '/opt/ml/processing/input/train',
  test: '/opt/ml/processing/input/test',
} as const;

/** Where the evaluation job writes its report. */
export const EVALUATION_OUTPUT = {
  name: 'evaluation',
  path: '/opt/ml/processing/output/evaluation',
  file: 'evaluation.json',
} as const;

interface Result {
  /** `correct / count` */
  readonly accuracy: number;
  readonly correct: number;
  readonly count: number;
}

/** Rounds down, so that a model just below the threshold does not appear to reach it. */
const roundedDown = ({ correct, count }: Result) => Math.floor((10_000 * correct) / count) / 10_000;

/** The part of the report that the pipeline reads, in the format that the model registry shows. */
export const evaluationReport = (result: Result) => ({
  multiclass_classification_metrics: { accuracy: { value: result.accuracy } },
  result: `${result.correct} of ${result.count} test photos, a share of ${roundedDown(result)}`,
});

/** The path of the accuracy in the report, for comparison. */
export const ACCURACY_PATH = 'multiclass_classification_metrics.accuracy.value';

/** The path of the result as a sentence: a pipeline definition cannot round numbers. */
export const RESULT_PATH = 'result';

/** The endpoint's only variant, which deployment, autoscaling and alarms refer to. */
export const ENDPOINT_VARIANT = 'AllTraffic';

const TRIAL = '-trial';

/** Name of the endpoint on which the deployment job tries a model before clients use it. */
export const trialEndpointName = (endpointName: string): string => `${endpointName}${TRIAL}`;

export const isTrialEndpoint = (name: string): boolean => name.endsWith(TRIAL);

/** Metadata key of a registered version: the SageMaker model that serves it. */
export const MODEL_PROPERTY = 'ModelName';

export const DEPLOY_ENVIRONMENT = {
  /** Name of the endpoint. The names of its configurations begin with its name and a hyphen. */
  endpointName: 'ENDPOINT_NAME',
  /** The SageMaker model to serve. */
  modelName: 'MODEL_NAME',
  /** ARN of the registered version of that model, which ends with the version's number. */
  modelPackage: 'MODEL_PACKAGE_ARN',
  instanceType: 'INSTANCE_TYPE',
  /** Bounds of autoscaling. */
  minInstances: 'MIN_INSTANCES',
  maxInstances: 'MAX_INSTANCES',
  /** Names of CloudWatch alarms, separated by commas, each of which rolls the new model back; may be empty. */
  rollbackAlarms: 'ROLLBACK_ALARMS',
  /** Also read by the AWS SDK. */
  region: 'AWS_REGION',
} as const;

export type DeployVariable = (typeof DEPLOY_ENVIRONMENT)[keyof typeof DEPLOY_ENVIRONMENT];
