/**
 * What the SageMaker pipelines, which describe the learning jobs, and the learning image, which runs them, agree on.
 * Paths are SageMaker's container contract ("Using your own training container", "Build your own processing container").
 */

/** First argument of the image's entry point. SageMaker itself passes `train` to a training job. */
export const COMMANDS = { train: 'train', evaluate: 'evaluate', deploy: 'deploy' } as const;

/** Name that SageMaker gives the packed model, whatever it holds. */
export const MODEL_ARCHIVE = 'model.tar.gz';

/**
 * In the archive, beside the model: which photos it has seen, `{train, validation, test}`, each a list of content
 * hashes. Evaluation measures on `test` only, so photos added in between cannot leak into it, and a later training
 * that starts from this model does not take for a test what this one has learned from.
 */
export const PHOTOS_FILE = 'photos.json';

/**
 * Channels of a training job; each is a folder below {@link TRAINING_PATHS.channels}. SageMaker knows no optional
 * channel and refuses an empty one: a channel that holds nothing of its kind (say, only a note) counts as not given.
 */
export const CHANNELS = {
  /** `<class>/<photo>` */
  train: 'train',
  /**
   * `<class>/<photo>`, never trained on; photos that are in `train` too are left out of `train`. Not given, or the
   * very same photos as `train`: a tenth of each class of `train`, chosen by content hash, is held out.
   */
  test: 'test',
  /** An earlier {@link MODEL_ARCHIVE} to start from; optional. */
  model: 'model',
  /**
   * A pretrained TensorFlow.js model (`model.json` and its weights), graph or layers format: the frozen backbone under a
   * small head, which alone is trained; optional.
   */
  pretrained: 'pretrained',
} as const;

/**
 * Keys of `hyperparameters.json`. Every value is a string, and a number may be written as `1.0E-4`: read it with
 * `Number`, not with a pattern.
 */
export const HYPERPARAMETERS = {
  epochs: 'epochs',
  batchSize: 'batch-size',
  learningRate: 'learning-rate',
} as const;

/** Environment variables of a training job. */
export const TRAINING_ENVIRONMENT = {
  /** `true`: fail at once when no GPU can be used, rather than train slowly on an expensive instance. */
  requireGpu: 'REQUIRE_GPU',
} as const;

export const TRAINING_PATHS = {
  /** Holds one folder per channel. */
  channels: '/opt/ml/input/data',
  hyperparameters: '/opt/ml/input/config/hyperparameters.json',
  /** What is written here becomes {@link MODEL_ARCHIVE}. */
  model: '/opt/ml/model',
  /** What is written here becomes output.tar.gz: the report. */
  output: '/opt/ml/output/data',
  /** Why the job failed; its first 1024 characters are shown. */
  failure: '/opt/ml/output/failure',
  /** Copied to S3 while the job runs, and back when it is started again after an interruption. */
  checkpoints: '/opt/ml/checkpoints',
} as const;

/**
 * The four numbers of an epoch, as the training job prints them and as SageMaker finds them in its log. Each key is
 * closed by `=` and each number by `;`, and no key is part of another: no pattern can find another's number.
 */
const METRICS = ['training_loss', 'training_accuracy', 'validation_loss', 'validation_accuracy'] as const;

/** Written out, because the patterns would miss an exponent. */
const DECIMALS = 6;

interface Scores {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
}

interface EpochScores {
  readonly training: Scores;
  /** Absent when no photos were kept for watching. */
  readonly validation?: Scores | undefined;
}

/** `MetricDefinitions` of a training job: `training:loss` and so on. */
export const METRIC_DEFINITIONS = METRICS.map((key) => ({
  Name: key.replace('_', ':'),
  Regex: `${key}=([0-9]+\\.[0-9]+);`,
}));

/** What the training job prints to stdout after an epoch. */
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

/** Folders that the evaluation job reads. `train` and `test` hold what the channels of these names held. */
export const EVALUATION_INPUTS = {
  /** Holds {@link MODEL_ARCHIVE}. */
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

/** A model that misses a bar by little must not seem to reach it. */
const roundedDown = ({ correct, count }: Result) => Math.floor((10_000 * correct) / count) / 10_000;

/** The part of the report that the pipeline reads; the model registry shows metrics of this form. */
export const evaluationReport = (result: Result) => ({
  multiclass_classification_metrics: { accuracy: { value: result.accuracy } },
  result: `${result.correct} of ${result.count} test photos, a share of ${roundedDown(result)}`,
});

/** Where in the report the accuracy is, to be compared. */
export const ACCURACY_PATH = 'multiclass_classification_metrics.accuracy.value';

/** Where in the report it is in words: a definition cannot round a number. */
export const RESULT_PATH = 'result';

/** The endpoint's only variant: deployment, autoscaling and alarms name it. */
export const ENDPOINT_VARIANT = 'AllTraffic';

const TRIAL = '-trial';

/** Name of the endpoint on which the deployment job tries a model before clients get answers from it. */
export const trialEndpointName = (endpointName: string): string => `${endpointName}${TRIAL}`;

export const isTrialEndpoint = (name: string): boolean => name.endsWith(TRIAL);

/** In the registered version's metadata: the SageMaker model that serves it. */
export const MODEL_PROPERTY = 'ModelName';

/** Environment variables of the deployment job. */
export const DEPLOY_ENVIRONMENT = {
  /** Created the first time, updated afterwards; the names of its configurations begin with its name and a hyphen. */
  endpointName: 'ENDPOINT_NAME',
  /** The SageMaker model to serve. */
  modelName: 'MODEL_NAME',
  /** ARN of the registered version of that model; it ends in the version's number. */
  modelPackage: 'MODEL_PACKAGE_ARN',
  instanceType: 'INSTANCE_TYPE',
  /** Bounds of autoscaling. */
  minInstances: 'MIN_INSTANCES',
  maxInstances: 'MAX_INSTANCES',
  /** Names of CloudWatch alarms, separated by commas, any of which takes the new model back; may be empty. */
  rollbackAlarms: 'ROLLBACK_ALARMS',
  /** AWS's SDK reads it too. */
  region: 'AWS_REGION',
} as const;

export type DeployVariable = (typeof DEPLOY_ENVIRONMENT)[keyof typeof DEPLOY_ENVIRONMENT];
