import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { CodecommitRepository } from '@cdktf/provider-aws/lib/codecommit-repository/index.js';
import type {
  CodepipelineStageAction,
  CodepipelineTrigger,
} from '@cdktf/provider-aws/lib/codepipeline/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';
import { Role } from '../iam/role.ts';

/** Name under which the later stages find the source bundle. */
export const SOURCE_ARTIFACT = 'source';

/** Where a pipeline takes its code from. */
interface Source {
  readonly action: CodepipelineStageAction;
  readonly statements: readonly Statement[];
  /** CodeCommit only: ARN of the repository whose pushes start the pipeline by an event. */
  readonly repositoryArn?: string;
  /** GitHub only: the connection itself starts the pipeline. */
  readonly triggers?: readonly CodepipelineTrigger[];
}

const ACTION = 'Source';

const action = (provider: string, configuration: Record<string, string>): CodepipelineStageAction => ({
  name: ACTION,
  category: 'Source',
  owner: 'AWS',
  provider,
  version: '1',
  outputArtifacts: [SOURCE_ARTIFACT],
  configuration,
});

const codeCommit = (scope: Construct, { arns, config }: Deployment, name: string): Source => {
  const repository = new CodecommitRepository(scope, 'repository', {
    repositoryName: name,
    description: `Source of ${name}; a push to ${config.source.branch} is deployed`,
  });
  return {
    action: action('CodeCommit', {
      RepositoryName: repository.repositoryName,
      BranchName: config.source.branch,
      PollForSourceChanges: 'false',
    }),
    statements: [
      {
        sid: 'TakeTheSource',
        actions: [
          'codecommit:CancelUploadArchive',
          'codecommit:GetBranch',
          'codecommit:GetCommit',
          'codecommit:GetRepository',
          'codecommit:GetUploadArchiveStatus',
          'codecommit:UploadArchive',
        ],
        resources: [arns.codeRepository(name)],
      },
    ],
    repositoryArn: arns.codeRepository(name),
  };
};

const gitHub = ({ config: { source } }: Deployment): Source => ({
  action: action('CodeStarSourceConnection', {
    ConnectionArn: source.connectionArn,
    FullRepositoryId: source.repository,
    BranchName: source.branch,
    OutputArtifactFormat: 'CODE_ZIP',
    DetectChanges: 'false',
  }),
  statements: [
    {
      sid: 'TakeTheSource',
      actions: ['codeconnections:UseConnection', 'codestar-connections:UseConnection'],
      resources: [source.connectionArn],
    },
  ],
  triggers: [
    {
      providerType: 'CodeStarSourceConnection',
      gitConfiguration: {
        sourceActionName: ACTION,
        push: [{ branches: { includes: [source.branch] } }],
      },
    },
  ],
});

/** The source that the configuration asks for; a repository of CodeCommit is made in `scope`. */
export const sourceOf = (scope: Construct, deployment: Deployment, repositoryName: string): Source =>
  deployment.config.source.provider === 'github'
    ? gitHub(deployment)
    : codeCommit(scope, deployment, repositoryName);

interface PushTriggerProps {
  readonly deployment: Deployment;
  readonly names: { readonly pushRule: string; readonly startRole: string; readonly pipeline: string };
  readonly repositoryArn: string;
}

/** Starts a pipeline when its branch is pushed to CodeCommit: at once, and without polling. */
export class PushTrigger extends Construct {
  constructor(scope: Construct, id: string, { deployment, names, repositoryArn }: PushTriggerProps) {
    super(scope, id);
    const { arns, config } = deployment;
    const role = new Role(this, 'role', {
      deployment,
      name: names.startRole,
      description: `EventBridge starts ${names.pipeline} with it`,
      service: 'events.amazonaws.com',
    });
    role.grant({
      sid: 'StartThePipeline',
      actions: ['codepipeline:StartPipelineExecution'],
      resources: [arns.pipeline(names.pipeline)],
    });
    const rule = new CloudwatchEventRule(this, 'Resource', {
      name: names.pushRule,
      description: `A push to ${config.source.branch} starts ${names.pipeline}`,
      eventPattern: JSON.stringify({
        source: ['aws.codecommit'],
        'detail-type': ['CodeCommit Repository State Change'],
        resources: [repositoryArn],
        detail: {
          event: ['referenceCreated', 'referenceUpdated'],
          referenceType: ['branch'],
          referenceName: [config.source.branch],
        },
      }),
    });
    new CloudwatchEventTarget(this, 'target', {
      rule: rule.name,
      targetId: 'pipeline',
      arn: arns.pipeline(names.pipeline),
      roleArn: role.resource.arn,
    });
  }
}
