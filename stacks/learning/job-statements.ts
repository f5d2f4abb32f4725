import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';

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
export const pullServingImage = ({ arns, config }: Deployment): Statement => ({
  sid: 'PullTensorFlowServing',
  actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
  resources: [arns.deepLearningContainers(config.learning.servingImage.split(':')[0] ?? '')],
});
