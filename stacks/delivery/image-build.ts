import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { CodebuildProject } from '@cdktf/provider-aws/lib/codebuild-project/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';
import { grantPublicRegistryLogin, type ImageRepository } from '../images/image-repository.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import type { ArtifactStore } from '../storage/bucket.ts';

/** The CodeBuild environment for each CPU architecture; an image built for the other one would not start. */
const ARCHITECTURES = {
  /** For the services: Fargate on Graviton. */
  arm64: {
    type: 'ARM_CONTAINER',
    image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
    computeType: 'BUILD_GENERAL1_SMALL',
    minutes: 30,
  },
  /** For the learning image: GPU instances and TensorFlow's GPU build need it. The image has several GB. */
  'x86-64': {
    type: 'LINUX_CONTAINER',
    image: 'aws/codebuild/amazonlinux-x86_64-standard:5.0',
    computeType: 'BUILD_GENERAL1_MEDIUM',
    minutes: 60,
  },
} as const;

/** For all three images, where an account may run one build at a time. */
export const ONE_AFTER_ANOTHER_MINUTES = 2 * ARCHITECTURES.arm64.minutes + ARCHITECTURES['x86-64'].minutes;

type Architecture = keyof typeof ARCHITECTURES;

/** The file that tells CodePipeline's ECS action which image a container gets. */
export const IMAGE_DEFINITIONS = 'imagedefinitions.json';

/** Output variable of the build: whether the service runs another image than the one that was built. */
export const IMAGE_CHANGED = 'IMAGE_CHANGED';

/** CodeBuild's buildspec (JSON is YAML); the script comes with the source. */
const BUILDSPEC = JSON.stringify({
  version: '0.2',
  env: { shell: 'bash', 'exported-variables': [IMAGE_CHANGED] },
  phases: {
    build: {
      commands: ['bash stacks/delivery/build-image.sh', `export ${IMAGE_CHANGED}="$(cat image-changed.txt)"`],
    },
  },
  artifacts: { files: [IMAGE_DEFINITIONS] },
});

export interface ImageBuildProjectProps {
  readonly deployment: Deployment;
  readonly names: { readonly build: string; readonly buildRole: string; readonly buildLogGroup: string };
  readonly repository: ImageRepository;
  readonly containerName: string;
  readonly architecture: Architecture;
  /** Path in the repository. */
  readonly dockerfile: string;
  readonly artifacts: ArtifactStore;
  /** The service that runs the image. @default - it is only built */
  readonly service?: LoadBalancedService;
}

/** Builds a container image with Docker, on the architecture that it will run on, and pushes it unless it already exists. */
export class ImageBuildProject extends Construct {
  readonly project: CodebuildProject;

  constructor(scope: Construct, id: string, props: ImageBuildProjectProps) {
    super(scope, id);
    const { deployment, names, repository, artifacts, service } = props;
    const { arns } = deployment;
    const { minutes, ...machine } = ARCHITECTURES[props.architecture];

    const logs = new CloudwatchLogGroup(this, 'logs', {
      name: names.buildLogGroup,
      retentionInDays: deployment.logRetentionDays,
    });
    const role = new Role(this, 'role', {
      deployment,
      name: names.buildRole,
      description: `Used by CodeBuild to build and push ${repository.name}`,
      service: 'codebuild.amazonaws.com',
    });
    repository.grantPush(role);
    grantPublicRegistryLogin(role);
    service?.grantDescribe(role);
    artifacts.grantReadWrite(role);
    role.grant({
      sid: 'WriteTheLog',
      actions: 'logs:CreateLogStream PutLogEvents',
      resources: [arns.logStreams(names.buildLogGroup)],
    });
    /** The environment of `build-image.sh`. A single build may also set IMAGE_TAG, an additional tag. */
    const variables = {
      DOCKERFILE: props.dockerfile,
      REGISTRY: arns.registry,
      REPOSITORY: repository.name,
      CONTAINER_NAME: props.containerName,
      ...(service && { CLUSTER: deployment.names.cluster, SERVICE: service.name }),
    };
    this.project = new CodebuildProject(this, 'Resource', {
      name: names.build,
      description: `Builds ${props.dockerfile} for ${props.architecture}`,
      serviceRole: role.resource.arn,
      buildTimeout: minutes,
      encryptionKey: artifacts.key.key.arn,
      source: { type: 'CODEPIPELINE', buildspec: BUILDSPEC },
      artifacts: { type: 'CODEPIPELINE' },
      cache: { type: 'LOCAL', modes: ['LOCAL_DOCKER_LAYER_CACHE'] },
      environment: {
        ...machine,
        // Docker needs it.
        privilegedMode: true,
        environmentVariable: Object.entries(variables).map(([name, value]) => ({ name, value })),
      },
      logsConfig: { cloudwatchLogs: { groupName: logs.name, status: 'ENABLED' } },
      dependsOn: [role.permissions],
    });
  }
}
