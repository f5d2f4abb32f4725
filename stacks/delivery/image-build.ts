import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { CodebuildProject } from '@cdktf/provider-aws/lib/codebuild-project/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';
import type { ImageRepository } from '../images/image-repository.ts';
import type { ArtifactStore } from '../storage/bucket.ts';

/** Where CodeBuild builds for each CPU; an image built for the other one would not start. */
const ARCHITECTURES = {
  /** Of the services: Fargate on Graviton. */
  arm64: { type: 'ARM_CONTAINER', image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0' },
  /** Of the learning image: GPU instances and the GPU build of TensorFlow have no other. */
  'x86-64': { type: 'LINUX_CONTAINER', image: 'aws/codebuild/amazonlinux-x86_64-standard:5.0' },
} as const;

type Architecture = keyof typeof ARCHITECTURES;

/** The file by which CodePipeline's ECS action learns which image a container gets. */
export const IMAGE_DEFINITIONS = 'imagedefinitions.json';

/** What the build takes from its environment. */
interface BuildVariables {
  readonly DOCKERFILE: string;
  /** Host of the registry. */
  readonly REGISTRY: string;
  /** Name of the repository in it. */
  readonly REPOSITORY: string;
  readonly CONTAINER_NAME: string;
}

/**
 * How an image is built, in the format of CodeBuild (JSON is YAML). The tag is IMAGE_TAG where it is set for one build,
 * else the commit. Tags never change, so a commit that was built before is not built again.
 *
 * Variables are written without braces: with them Terraform would read them as its own.
 */
const buildspec = (): string =>
  JSON.stringify({
    version: '0.2',
    env: { shell: 'bash' },
    phases: {
      pre_build: {
        commands: [
          'export TAG="$IMAGE_TAG"',
          'test -n "$TAG" || export TAG="$CODEBUILD_RESOLVED_SOURCE_VERSION"',
          'export IMAGE="$REGISTRY/$REPOSITORY:$TAG"',
          'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"',
          'aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$TAG" && export BUILT=yes || export BUILT=no',
        ],
      },
      build: {
        commands: [
          'test "$BUILT" = yes || docker build --file "$DOCKERFILE" --build-arg "VERSION=$TAG" --tag "$IMAGE" .',
        ],
      },
      post_build: {
        commands: [
          // CodeBuild runs this phase even after a failed build.
          'test "$CODEBUILD_BUILD_SUCCEEDING" = 1',
          'test "$BUILT" = yes || docker push "$IMAGE"',
          `printf '[{"name":"%s","imageUri":"%s"}]' "$CONTAINER_NAME" "$IMAGE" > ${IMAGE_DEFINITIONS}`,
        ],
      },
    },
    artifacts: { files: [IMAGE_DEFINITIONS] },
  });

const MINUTES = 30;

export interface ImageBuildProjectProps {
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
export class ImageBuildProject extends Construct {
  readonly project: CodebuildProject;

  constructor(scope: Construct, id: string, props: ImageBuildProjectProps) {
    super(scope, id);
    const { deployment, names, repository, artifacts } = props;
    const { arns } = deployment;
    const { type, image } = ARCHITECTURES[props.architecture];

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
    artifacts.grantReadWrite(role);
    role.grant({
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
