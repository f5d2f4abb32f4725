import { Construct } from 'constructs';
import { trialEndpointName } from '../../model/contract/sagemaker-jobs.ts';
import type { Deployment } from '../deployment.ts';
import type { PolicyStatement } from '../iam/policy.ts';
import { Role } from '../iam/role.ts';
import { grantRegistryLogin, type ImageRepository, PULL_ACTIONS } from '../images/image-repository.ts';
import { endpointAlarmNames } from '../names.ts';
import type { DatasetBucket } from '../storage/bucket.ts';

const SERVICE_LINKED =
  'role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint';

/** Permissions of the DeployEndpoint job, for this endpoint only. */
const deployStatements = ({ account, arns, names }: Deployment): readonly PolicyStatement[] => {
  const { endpoint } = names.learning;
  const configs = arns.sagemaker('endpoint-config', `${endpoint}-*`);
  return [
    {
      sid: 'ChangeTheEndpoint',
      // A failed endpoint can only be deleted and recreated.
      actions: `sagemaker:AddTags CreateEndpoint DeleteEndpoint DescribeEndpoint InvokeEndpoint
        UpdateEndpoint UpdateEndpointWeightsAndCapacities`,
      resources: [arns.sagemaker('endpoint', endpoint)],
    },
    {
      // A model is tried there before it answers clients.
      sid: 'TryModels',
      actions: 'sagemaker:CreateEndpoint DeleteEndpoint DescribeEndpoint InvokeEndpoint',
      resources: [arns.sagemaker('endpoint', trialEndpointName(endpoint))],
    },
    {
      // CreateEndpoint and UpdateEndpoint are checked against the endpoint's configuration too.
      sid: 'ChangeItsConfiguration',
      actions: 'sagemaker:CreateEndpoint CreateEndpointConfig DeleteEndpointConfig UpdateEndpoint',
      resources: [configs],
    },
    {
      // CreateEndpointConfig is checked against the model too.
      sid: 'ServeModels',
      actions: 'sagemaker:CreateEndpointConfig',
      resources: [arns.sagemaker('model', '*')],
    },
    { sid: 'FindOldConfigurations', actions: 'sagemaker:ListEndpointConfigs', resources: ['*'] },
    {
      sid: 'ScaleTheEndpoint',
      actions: 'application-autoscaling:DeregisterScalableTarget PutScalingPolicy RegisterScalableTarget',
      resources: [arns.scalableTargets],
      conditions: { StringEquals: { 'application-autoscaling:service-namespace': 'sagemaker' } },
    },
    {
      sid: 'AlarmsOfItsScaling',
      actions: 'cloudwatch:DeleteAlarms PutMetricAlarm',
      resources: [arns.alarm(`TargetTracking-endpoint/${endpoint}/*`)],
    },
    {
      // The rollback alarms have names, but autoscaling searches all alarms for its own: see its managed policy
      // AWSApplicationAutoscalingSageMakerEndpointPolicy.
      sid: 'FindAlarms',
      actions: 'cloudwatch:DescribeAlarms',
      resources: [arns.alarm('*')],
    },
    {
      sid: 'FirstScalingInTheAccount',
      actions: 'iam:CreateServiceLinkedRole',
      resources: [`arn:aws:iam::${account}:${SERVICE_LINKED}`],
      conditions: {
        StringEquals: { 'iam:AWSServiceName': 'sagemaker.application-autoscaling.amazonaws.com' },
      },
    },
  ];
};

/** Lets a SageMaker job or endpoint write its log and its metrics. */
export const grantLogsAndMetrics = (role: Role, { arns }: Deployment): void =>
  role.grant(
    {
      sid: 'WriteTheLog',
      actions: 'logs:CreateLogGroup CreateLogStream DescribeLogStreams PutLogEvents',
      resources: [arns.logGroup('/aws/sagemaker/*')],
    },
    {
      sid: 'WriteMetrics',
      actions: 'cloudwatch:PutMetricData',
      resources: ['*'],
      conditions: { StringLike: { 'cloudwatch:namespace': '/aws/sagemaker/*' } },
    },
  );

/** Lets a role pull TensorFlow Serving from AWS's own registry. */
const grantPullServingImage = (role: Role, { arns }: Deployment, servingImage: string): void => {
  grantRegistryLogin(role);
  role.grant({
    sid: 'PullTensorFlowServing',
    actions: PULL_ACTIONS,
    resources: [arns.deepLearningContainers(servingImage.split(':')[0] ?? '')],
  });
};

const SAGEMAKER = 'sagemaker.amazonaws.com';

interface LearningRolesProps {
  readonly deployment: Deployment;
  readonly dataset: DatasetBucket;
  readonly repository: ImageRepository;
  /** `tensorflow-inference:<tag>` */
  readonly servingImage: string;
}

/** Separate roles, so that trainings cannot deploy and the endpoint cannot read photos. */
export class LearningRoles extends Construct {
  /** Trains and evaluates: reads photos, writes models and reports. */
  readonly training: Role;
  /** Serves: reads models. */
  readonly serving: Role;
  /** Puts a model on the endpoint. */
  readonly deploy: Role;
  /** Runs the pipelines: starts jobs and passes the roles above to them. */
  readonly pipeline: Role;

  constructor(scope: Construct, id: string, props: LearningRolesProps) {
    super(scope, id);
    const { deployment, dataset, repository, servingImage } = props;
    const { arns, names } = deployment;
    const role = (key: string, name: string, description: string) =>
      new Role(this, key, { deployment, name, description, service: SAGEMAKER });

    this.training = role('training', names.learning.trainingRole, 'Training and evaluation jobs');
    repository.grantPull(this.training);
    grantLogsAndMetrics(this.training, deployment);
    dataset.grantReadWrite(this.training, 'models/', 'checkpoints/', 'reports/');

    this.serving = role('serving', names.learning.servingRole, 'The endpoint that serves the model');
    grantPullServingImage(this.serving, deployment, servingImage);
    grantLogsAndMetrics(this.serving, deployment);
    dataset.grantReadModels(this.serving);
    this.serving.grant({
      sid: 'WatchForRollback',
      actions: 'cloudwatch:DescribeAlarms',
      resources: Object.values(endpointAlarmNames(names)).map(arns.alarm),
    });

    this.deploy = role('deploy', names.learning.deployRole, 'The job that puts a model on the endpoint');
    repository.grantPull(this.deploy);
    grantLogsAndMetrics(this.deploy, deployment);
    this.deploy.grant(...deployStatements(deployment));

    this.pipeline = role('pipeline', names.learning.pipelineRole, 'The SageMaker pipelines');
    grantPullServingImage(this.pipeline, deployment, servingImage);
    dataset.grantRead(this.pipeline);
    const job = (kind: string) => arns.sagemaker(kind, '*');
    this.pipeline.grant(
      {
        sid: 'RunJobs',
        actions: `sagemaker:AddTags CreateProcessingJob CreateTrainingJob DescribeProcessingJob
          DescribeTrainingJob StopProcessingJob StopTrainingJob`,
        resources: [job('training-job'), job('processing-job')],
      },
      {
        sid: 'CreateModels',
        actions: 'sagemaker:AddTags CreateModel DescribeModel',
        resources: [job('model')],
      },
      {
        sid: 'RegisterModels',
        actions: 'sagemaker:AddTags CreateModelPackage DescribeModelPackage DescribeModelPackageGroup',
        resources: [
          arns.sagemaker('model-package-group', names.learning.modelPackageGroup),
          arns.sagemaker('model-package', `${names.learning.modelPackageGroup}/*`),
        ],
      },
      {
        sid: 'PassJobRoles',
        actions: 'iam:PassRole',
        resources: [this.training.arn, this.serving.arn, this.deploy.arn],
        conditions: { StringEquals: { 'iam:PassedToService': SAGEMAKER } },
      },
    );
  }
}
