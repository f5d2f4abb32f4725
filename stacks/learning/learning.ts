import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { SagemakerModelPackageGroup } from '@cdktf/provider-aws/lib/sagemaker-model-package-group/index.js';
import { SagemakerPipeline } from '@cdktf/provider-aws/lib/sagemaker-pipeline/index.js';
import { Construct } from 'constructs';
import { servingEnvironment } from '../../model/serving/settings.ts';
import type { Configuration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import type { ImageRepository } from '../images/image-repository.ts';
import { endpointAlarmNames } from '../names.ts';
import type { Network } from '../network/network.ts';
import { DatasetBucket } from '../storage/bucket.ts';
import { placeholderObjects } from './folders.ts';
import { type PipelineSettings, pipelineDefinitions } from './pipelines.ts';
import { LearningRoles } from './roles.ts';
import { Studio } from './studio.ts';

/** Roles are named by composed ARNs, so that the first plan shows the definitions. */
const pipelineSettings = (
  { arns, names, region }: Deployment,
  settings: Configuration['learning'],
  roles: LearningRoles,
): PipelineSettings => ({
  ...settings,
  region,
  datasetBucket: names.buckets.dataset,
  trainingImage: arns.image(names.learning.repository, settings.imageTag),
  servingImage: arns.deepLearningContainer(settings.servingImage),
  servingEnvironment: servingEnvironment(),
  roles: { training: roles.training.arn, deploy: roles.deploy.arn, serving: roles.serving.arn },
  trainingJobName: names.learning.trainingJob,
  modelPackageGroup: names.learning.modelPackageGroup,
  endpointName: names.learning.endpoint,
  rollbackAlarms: Object.values(endpointAlarmNames(names)),
});

/** SageMaker creates these with the first job, without a retention period. */
const SHARED_LOG_GROUPS = ['TrainingJobs', 'ProcessingJobs', 'studio'];

interface LearningProps {
  readonly deployment: Deployment;
  readonly network: Network;
  readonly repository: ImageRepository;
  readonly settings: Configuration['learning'];
  /** Whether this stack owns the log groups that all jobs of the account share. */
  readonly sharedLogGroups: boolean;
}

const DESCRIPTIONS = {
  train: 'Trains a model on the photos of the dataset bucket',
  model: 'Trains a model and makes it ready to be served',
  deploy: 'Trains a model, measures it, and puts it on the endpoint if it is good enough',
} as const;

/** From photos to a served model: dataset, Studio, registry of models, and the three pipelines. */
export class Learning extends Construct {
  readonly dataset: DatasetBucket;

  constructor(scope: Construct, id: string, props: LearningProps) {
    super(scope, id);
    const { deployment, network, repository, settings } = props;
    const { names } = deployment;
    const dataset = new DatasetBucket(this, 'dataset', deployment);
    this.dataset = dataset;
    const logGroup = (id: string, name: string) =>
      new CloudwatchLogGroup(this, id, { name, retentionInDays: deployment.logRetentionDays });
    // Created here, because SageMaker would create it without a retention period.
    logGroup('endpoint-logs', names.learning.endpointLogGroup);
    if (props.sharedLogGroups)
      for (const name of SHARED_LOG_GROUPS) logGroup(`logs-${name.toLowerCase()}`, `/aws/sagemaker/${name}`);
    const placeholders = Object.entries(placeholderObjects(dataset.name)).map(([name, { key, content }]) =>
      dataset.addTextObject(name, key, content),
    );
    const roles = new LearningRoles(this, 'roles', {
      deployment,
      dataset,
      repository,
      servingImage: settings.servingImage,
    });
    const models = new SagemakerModelPackageGroup(this, 'model-package-group', {
      modelPackageGroupName: names.learning.modelPackageGroup,
      modelPackageGroupDescription: 'Every model that passed its evaluation, with the figures',
    });
    const definitions = pipelineDefinitions(pipelineSettings(deployment, settings, roles));
    for (const key of ['train', 'model', 'deploy'] as const)
      new SagemakerPipeline(this, `pipeline-${key}`, {
        pipelineName: names.learning.pipelines[key],
        pipelineDisplayName: names.learning.pipelines[key],
        pipelineDescription: DESCRIPTIONS[key],
        roleArn: roles.pipeline.resource.arn,
        pipelineDefinition: JSON.stringify(definitions[key]),
        dependsOn: [roles.pipeline.permissions, models, ...placeholders],
      });
    if (settings.studio) new Studio(this, 'studio', { deployment, network, dataset });
  }
}
