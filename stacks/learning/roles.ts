import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';
import { Role } from '../iam/role.ts';
import { type ImageRepository, REGISTRY_TOKEN } from '../images/image-repository.ts';
import { endpointAlarmNames } from '../names.ts';
import type { DatasetBucket } from './dataset-bucket.ts';

const SERVICE_LINKED =
  'role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint';

/** What the DeployEndpoint job may do: everything about the one endpoint, and nothing about another. */
const deployStatements = ({ arns, config, names }: Deployment): readonly Statement[] => {
  const { endpoint } = names.learning;
  const configs = arns.sagemaker('endpoint-config', `${endpoint}-*`);
  return [
    {
      sid: 'ChangeTheEndpoint',
      actions: [
        'sagemaker:AddTags',
        'sagemaker:CreateEndpoint',
        // One that failed can only be deleted and made anew.
        'sagemaker:DeleteEndpoint',
        'sagemaker:DescribeEndpoint',
        'sagemaker:InvokeEndpoint',
        'sagemaker:ListTags',
        'sagemaker:UpdateEndpoint',
        'sagemaker:UpdateEndpointWeightsAndCapacities',
      ],
      resources: [arns.sagemaker('endpoint', endpoint)],
    },
    {
      // CreateEndpoint and UpdateEndpoint are checked against the endpoint's configuration too.
      sid: 'ChangeItsConfiguration',
      actions: [
        'sagemaker:CreateEndpoint',
        'sagemaker:CreateEndpointConfig',
        'sagemaker:DeleteEndpointConfig',
        'sagemaker:DescribeEndpointConfig',
        'sagemaker:UpdateEndpoint',
      ],
      resources: [configs],
    },
    {
      // CreateEndpointConfig is checked against the model too.
      sid: 'ServeModels',
      actions: ['sagemaker:CreateEndpointConfig'],
      resources: [arns.sagemaker('model', '*')],
    },
    { sid: 'FindOldConfigurations', actions: ['sagemaker:ListEndpointConfigs'], resources: ['*'] },
    {
      sid: 'ScaleTheEndpoint',
      actions: [
        'application-autoscaling:DeregisterScalableTarget',
        'application-autoscaling:PutScalingPolicy',
        'application-autoscaling:RegisterScalableTarget',
      ],
      resources: [arns.scalableTargets],
      conditions: { StringEquals: { 'application-autoscaling:service-namespace': 'sagemaker' } },
    },
    {
      sid: 'FindItsScaling',
      actions: [
        'application-autoscaling:DescribeScalableTargets',
        'application-autoscaling:DescribeScalingPolicies',
      ],
      resources: ['*'],
    },
    {
      sid: 'AlarmsOfItsScaling',
      actions: ['cloudwatch:DeleteAlarms', 'cloudwatch:PutMetricAlarm'],
      resources: [arns.alarm(`TargetTracking-endpoint/${endpoint}/*`)],
    },
    {
      // Those that take a model back by name; autoscaling looks for its own among all of them, as its managed policy
      // AWSApplicationAutoscalingSageMakerEndpointPolicy shows.
      sid: 'FindAlarms',
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [arns.alarm('*')],
    },
    {
      sid: 'FirstScalingInTheAccount',
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [`arn:aws:iam::${config.account}:${SERVICE_LINKED}`],
      conditions: {
        StringEquals: { 'iam:AWSServiceName': 'sagemaker.application-autoscaling.amazonaws.com' },
      },
    },
  ];
};

/** What every job and endpoint of SageMaker needs to write its log and its metrics. */
export const logsAndMetrics = ({ arns }: Deployment): readonly Statement[] => [
  {
    sid: 'WriteTheLog',
    actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
    resources: [arns.logGroup('/aws/sagemaker/*')],
  },
  {
    sid: 'WriteMetrics',
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringLike: { 'cloudwatch:namespace': '/aws/sagemaker/*' } },
  },
];

/** What is needed to pull TensorFlow Serving from AWS's own registry; ECR's token comes with `REGISTRY_TOKEN`. */
const pullServingImage = ({ arns, config }: Deployment): Statement => ({
  sid: 'PullTensorFlowServing',
  actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
  resources: [arns.deepLearningContainers(config.learning.servingImage.split(':')[0] ?? '')],
});

const SAGEMAKER = 'sagemaker.amazonaws.com';

interface LearningRolesProps {
  readonly deployment: Deployment;
  readonly dataset: DatasetBucket;
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
