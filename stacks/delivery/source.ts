import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { CodecommitRepository } from '@cdktf/provider-aws/lib/codecommit-repository/index.js';
import type {
  CodepipelineStageAction,
  CodepipelineTrigger,
} from '@cdktf/provider-aws/lib/codepipeline/index.js';
import type { Construct } from 'constructs';
import type { Configuration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';

/** Name under which the later stages find the source bundle. */
export const SOURCE_ARTIFACT = 'source';

type SourceSettings = Configuration['source'];

/** A pipeline's source of code. */
interface Source {
  readonly action: CodepipelineStageAction;
  readonly grantRead: (role: Role) => void;
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

const codeCommit = (scope: Construct, { arns }: Deployment, name: string, branch: string): Source => {
  const repository = new CodecommitRepository(scope, 'repository', {
    repositoryName: name,
    description: `Source of ${name}; a push to ${branch} is deployed`,
  });
  return {
    action: action('CodeCommit', {
      RepositoryName: repository.repositoryName,
      BranchName: branch,
      PollForSourceChanges: 'false',
    }),
    grantRead: (role) =>
      role.grant({
        sid: 'ReadSource',
        actions: `codecommit:CancelUploadArchive GetBranch GetCommit GetRepository GetUploadArchiveStatus
          UploadArchive`,
        resources: [arns.codeRepository(name)],
      }),
    repositoryArn: arns.codeRepository(name),
  };
};

/** CodePipeline's limit of paths per filter. A push that matches one of up to three filters starts the pipeline. */
const PATHS_PER_FILTER = 8;

const pushFilters = (branch: string, paths: readonly string[]) =>
  Array.from({ length: Math.ceil(paths.length / PATHS_PER_FILTER) }, (_, index) => ({
    branches: { includes: [branch] },
    filePaths: { includes: paths.slice(index * PATHS_PER_FILTER, (index + 1) * PATHS_PER_FILTER) },
  }));

const gitHub = ({ connectionArn, repository, branch }: SourceSettings, paths: readonly string[]): Source => ({
  action: action('CodeStarSourceConnection', {
    ConnectionArn: connectionArn,
    FullRepositoryId: repository,
    BranchName: branch,
    OutputArtifactFormat: 'CODE_ZIP',
    DetectChanges: 'false',
  }),
  grantRead: (role) =>
    role.grant({
      sid: 'ReadSource',
      actions: 'codeconnections:UseConnection codestar-connections:UseConnection',
      resources: [connectionArn],
    }),
  triggers: [
    {
      providerType: 'CodeStarSourceConnection',
      gitConfiguration: { sourceActionName: ACTION, push: pushFilters(branch, paths) },
    },
  ],
});

interface SourceProps {
  readonly deployment: Deployment;
  readonly repositoryName: string;
  readonly settings: SourceSettings;
  /** The paths that the pipeline's image is built from; other changes do not start it. */
  readonly paths: readonly string[];
}

/** The configured source; a CodeCommit repository is created in `scope`. */
export const createSource = (
  scope: Construct,
  { deployment, repositoryName, settings, paths }: SourceProps,
): Source =>
  settings.provider === 'github'
    ? gitHub(settings, paths)
    : codeCommit(scope, deployment, repositoryName, settings.branch);

/** Starts a pipeline when its branch is pushed to CodeCommit, without polling. */
export const startOnPush = (
  scope: Construct,
  deployment: Deployment,
  names: { readonly pushRule: string; readonly startRole: string; readonly pipeline: string },
  repositoryArn: string,
  branch: string,
): void => {
  const { arns } = deployment;
  const role = new Role(scope, 'push-role', {
    deployment,
    name: names.startRole,
    description: `Used by EventBridge to start ${names.pipeline}`,
    service: 'events.amazonaws.com',
  });
  role.grant({
    sid: 'StartThePipeline',
    actions: 'codepipeline:StartPipelineExecution',
    resources: [arns.pipeline(names.pipeline)],
  });
  const rule = new CloudwatchEventRule(scope, 'push', {
    name: names.pushRule,
    description: `A push to ${branch} starts ${names.pipeline}`,
    eventPattern: JSON.stringify({
      source: ['aws.codecommit'],
      'detail-type': ['CodeCommit Repository State Change'],
      resources: [repositoryArn],
      detail: {
        event: ['referenceCreated', 'referenceUpdated'],
        referenceType: ['branch'],
        referenceName: [branch],
      },
    }),
  });
  new CloudwatchEventTarget(scope, 'push-target', {
    rule: rule.name,
    targetId: 'pipeline',
    arn: arns.pipeline(names.pipeline),
    roleArn: role.resource.arn,
  });
};
