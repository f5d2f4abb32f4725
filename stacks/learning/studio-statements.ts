import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';
import { logsAndMetrics } from './job-statements.ts';

/** What a model engineer may do in Studio: work in a space, start the three pipelines, and read what came of them. */
export const studioStatements = (deployment: Deployment): readonly Statement[] => {
  const { arns, names } = deployment;
  const { modelPackageGroup, pipelines } = names.learning;
  // SageMaker writes the names of pipelines in lower case in their ARNs.
  const ours = Object.values(pipelines).map((name) => arns.sagemaker('pipeline', name.toLowerCase()));
  const inTheDomain = (kind: string) => arns.sagemaker(kind, '*');
  return [
    ...logsAndMetrics(deployment),
    {
      sid: 'WorkInASpace',
      actions: [
        'sagemaker:CreateApp',
        'sagemaker:CreatePresignedDomainUrl',
        'sagemaker:CreateSpace',
        'sagemaker:DeleteApp',
        'sagemaker:DeleteSpace',
        'sagemaker:DescribeApp',
        'sagemaker:DescribeDomain',
        'sagemaker:DescribeSpace',
        'sagemaker:DescribeUserProfile',
        'sagemaker:UpdateSpace',
      ],
      resources: ['app', 'domain', 'space', 'user-profile'].map(inTheDomain),
    },
    {
      sid: 'FindWhatThereIs',
      actions: [
        'sagemaker:ListApps',
        'sagemaker:ListDomains',
        'sagemaker:ListModelPackageGroups',
        'sagemaker:ListModelPackages',
        'sagemaker:ListPipelines',
        'sagemaker:ListSpaces',
        'sagemaker:ListUserProfiles',
      ],
      resources: ['*'],
    },
    {
      // Studio tags whatever it makes, and fails if it may not. Source: "Provide permissions for tagging", SageMaker guide.
      sid: 'TagWhatStudioMakes',
      actions: ['sagemaker:AddTags'],
      resources: ['app', 'space'].map(inTheDomain),
      conditions: { Null: { 'sagemaker:TaggingAction': 'false' } },
    },
    {
      sid: 'RunThePipelines',
      actions: [
        'sagemaker:DescribePipeline',
        'sagemaker:DescribePipelineDefinitionForExecution',
        'sagemaker:DescribePipelineExecution',
        'sagemaker:ListPipelineExecutionSteps',
        'sagemaker:ListPipelineExecutions',
        'sagemaker:ListPipelineParametersForExecution',
        'sagemaker:RetryPipelineExecution',
        'sagemaker:StartPipelineExecution',
        'sagemaker:StopPipelineExecution',
      ],
      resources: [...ours, ...ours.map((arn) => `${arn}/execution/*`)],
    },
    {
      sid: 'ReadTheResults',
      actions: [
        'sagemaker:DescribeModelPackage',
        'sagemaker:DescribeModelPackageGroup',
        'sagemaker:DescribeProcessingJob',
        'sagemaker:DescribeTrainingJob',
      ],
      resources: [
        arns.sagemaker('model-package-group', modelPackageGroup),
        arns.sagemaker('model-package', `${modelPackageGroup}/*`),
        arns.sagemaker('processing-job', '*'),
        arns.sagemaker('training-job', '*'),
      ],
    },
    {
      sid: 'TryTheModel',
      actions: ['sagemaker:DescribeEndpoint', 'sagemaker:InvokeEndpoint'],
      resources: [arns.sagemaker('endpoint', names.learning.endpoint)],
    },
  ];
};
