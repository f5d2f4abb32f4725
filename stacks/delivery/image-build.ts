import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { CodebuildProject } from '@cdktf/provider-aws/lib/codebuild-project/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';
import type { ImageRepository } from '../images/image-repository.ts';
import { ARCHITECTURES, type Architecture } from './architecture.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { type BuildVariables, buildspec } from './buildspec.ts';

const MINUTES = 30;

export interface ImageBuildProps {
  readonly deployment: Deployment;
  readonly names: { readonly build: string; readonly buildRole: string; readonly buildLogGroup: string };
  readonly repository: ImageRepository;
  readonly containerName: string;
  readonly architecture: Architecture;
  /** Path in the source. */
  readonly dockerfile: string;
  readonly artifacts: ArtifactStore;
}

/** Builds one container image with Docker, on the CPU that it will run on, and pushes it. */
export class ImageBuild extends Construct {
  readonly project: CodebuildProject;

  constructor(scope: Construct, id: string, props: ImageBuildProps) {
    super(scope, id);
    const { deployment, names, repository, artifacts } = props;
    const { arns, config } = deployment;
    const { type, image } = ARCHITECTURES[props.architecture];

    const logs = new CloudwatchLogGroup(this, 'logs', {
      name: names.buildLogGroup,
      retentionInDays: config.observability.logRetentionDays,
    });
    const role = new Role(this, 'role', {
      deployment,
      name: names.buildRole,
      description: `${names.build} builds and pushes with it`,
      service: 'codebuild.amazonaws.com',
    });
    role.grant(...repository.push(), ...artifacts.readAndWrite(), {
      sid: 'WriteTheLog',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [arns.logStreams(names.buildLogGroup)],
    });
    const variables: BuildVariables = {
      DOCKERFILE: props.dockerfile,
      REGISTRY: arns.registry,
      REPOSITORY: repository.name,
      CONTAINER_NAME: props.containerName,
    };
    this.project = new CodebuildProject(this, 'Resource', {
      name: names.build,
      description: `Builds ${props.dockerfile} for ${props.architecture}`,
      serviceRole: role.resource.arn,
      buildTimeout: MINUTES,
      encryptionKey: artifacts.key.key.arn,
      source: { type: 'CODEPIPELINE', buildspec: buildspec() },
      artifacts: { type: 'CODEPIPELINE' },
      cache: { type: 'LOCAL', modes: ['LOCAL_DOCKER_LAYER_CACHE'] },
      environment: {
        type,
        image,
        computeType: 'BUILD_GENERAL1_SMALL',
        // Docker needs it.
        privilegedMode: true,
        environmentVariable: Object.entries(variables).map(([name, value]) => ({ name, value })),
      },
      logsConfig: { cloudwatchLogs: { groupName: logs.name, status: 'ENABLED' } },
      dependsOn: [role.permissions],
    });
  }
}
