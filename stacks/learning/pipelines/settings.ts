/** What the pipelines' definitions depend on. Strings may be references that only Terraform resolves. */
export interface PipelineSettings {
  readonly region: string;
  /** Name of the bucket of photos, models and reports. */
  readonly datasetBucket: string;
  /** URI of the learning image, which trains, evaluates and deploys. */
  readonly trainingImage: string;
  /** URI of AWS's tensorflow-inference image. */
  readonly servingImage: string;
  /** Environment of the serving container: `SAGEMAKER_TFS_*`. */
  readonly servingEnvironment: Readonly<Record<string, string>>;
  /** ARNs of the roles. */
  readonly roles: {
    /** Of training and evaluation jobs. */
    readonly training: string;
    /** Of the job that puts the model on the endpoint. */
    readonly deploy: string;
    /** Of the endpoint. */
    readonly serving: string;
  };
  /** First part of the training jobs' names. */
  readonly trainingJobName: string;
  /** Must have a GPU. */
  readonly trainingInstanceType: string;
  /** Train on spot capacity. */
  readonly trainingSpot: boolean;
  /** Hours after which a training is stopped. */
  readonly trainingHours: number;
  /** Of evaluation and deployment jobs. */
  readonly processingInstanceType: string;
  readonly modelPackageGroup: string;
  /** Accuracy on the test photos, 0 to 1, below which a model is not deployed. */
  readonly minAccuracy: number;
  readonly endpointName: string;
  readonly endpointInstanceType: string;
  /** Bounds of the endpoint's autoscaling. */
  readonly endpointMinInstances: number;
  readonly endpointMaxInstances: number;
  /** Names of the alarms that take a new model back while it is rolled out. */
  readonly rollbackAlarms: readonly string[];
}
