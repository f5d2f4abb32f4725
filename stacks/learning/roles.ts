import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';
import { type ImageRepository, REGISTRY_TOKEN } from '../images/image-repository.ts';
import { endpointAlarmNames } from '../names.ts';
import type { Dataset } from './dataset.ts';
import { deployStatements } from './deploy-statements.ts';
import { logsAndMetrics, pullServingImage } from './job-statements.ts';

const SAGEMAKER = 'sagemaker.amazonaws.com';

export interface LearningRolesProps {
  readonly deployment: Deployment;
  readonly dataset: Dataset;
  readonly repository: ImageRepository;
}

/** One role per kind of work, so that what trains cannot deploy, and what serves cannot read the photos. */
export class LearningRoles extends Construct {
  /** Trains and evaluates: reads photos, writes models and reports. */
  readonly training: Role;
  /** Serves: reads models. */
  readonly serving: Role;
  /** Puts a model on the endpoint. */
  readonly deploy: Role;
  /** Runs the pipelines: starts jobs and gives them the roles above. */
  readonly pipeline: Role;

  constructor(scope: Construct, id: string, { deployment, dataset, repository }: LearningRolesProps) {
    super(scope, id);
    const { arns, names } = deployment;
    const role = (key: string, name: string, description: string) =>
      new Role(this, key, { deployment, name, description, service: SAGEMAKER });

    this.training = role('training', names.learning.trainingRole, 'Training and evaluation jobs');
    this.training.grant(
      ...repository.pull(),
      ...logsAndMetrics(deployment),
      dataset.list(),
      dataset.read(),
      dataset.write('models/', 'checkpoints/', 'reports/'),
    );

    this.serving = role('serving', names.learning.servingRole, 'The endpoint that serves the model');
    this.serving.grant(
      REGISTRY_TOKEN,
      pullServingImage(deployment),
      ...logsAndMetrics(deployment),
      dataset.list(),
      {
        sid: 'ReadModels',
        actions: ['s3:GetObject'],
        resources: [arns.objects(dataset.name, 'models/')],
      },
      {
        sid: 'WatchForRollback',
        actions: ['cloudwatch:DescribeAlarms'],
        resources: Object.values(endpointAlarmNames(names)).map(arns.alarm),
      },
    );

    this.deploy = role('deploy', names.learning.deployRole, 'The job that puts a model on the endpoint');
    this.deploy.grant(...repository.pull(), ...logsAndMetrics(deployment), ...deployStatements(deployment));

    this.pipeline = role('pipeline', names.learning.pipelineRole, 'The SageMaker pipelines');
    const job = (kind: string) => arns.sagemaker(kind, '*');
    this.pipeline.grant(
      REGISTRY_TOKEN,
      pullServingImage(deployment),
      dataset.list(),
      dataset.read(),
      {
        sid: 'RunJobs',
        actions: [
          'sagemaker:AddTags',
          'sagemaker:CreateProcessingJob',
          'sagemaker:CreateTrainingJob',
          'sagemaker:DescribeProcessingJob',
          'sagemaker:DescribeTrainingJob',
          'sagemaker:StopProcessingJob',
          'sagemaker:StopTrainingJob',
        ],
        resources: [job('training-job'), job('processing-job')],
      },
      {
        sid: 'CreateModels',
        actions: ['sagemaker:AddTags', 'sagemaker:CreateModel', 'sagemaker:DescribeModel'],
        resources: [job('model')],
      },
      {
        sid: 'RegisterModels',
        actions: [
          'sagemaker:AddTags',
          'sagemaker:CreateModelPackage',
          'sagemaker:DescribeModelPackage',
          'sagemaker:DescribeModelPackageGroup',
        ],
        resources: [
          arns.sagemaker('model-package-group', names.learning.modelPackageGroup),
          arns.sagemaker('model-package', `${names.learning.modelPackageGroup}/*`),
        ],
      },
      {
        sid: 'GiveJobsTheirRoles',
        actions: ['iam:PassRole'],
        resources: [this.training.arn, this.serving.arn, this.deploy.arn],
        conditions: { StringEquals: { 'iam:PassedToService': SAGEMAKER } },
      },
    );
  }
}
