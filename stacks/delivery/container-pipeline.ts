import {
  Codepipeline,
  type CodepipelineStage,
  type CodepipelineStageAction,
} from '@cdktf/provider-aws/lib/codepipeline/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';
import { Role } from '../iam/role.ts';
import type { ImageRepository } from '../images/image-repository.ts';
import type { Names } from '../names.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { type Architecture, IMAGE_DEFINITIONS, ImageBuild } from './image-build.ts';
import { PushTrigger, SOURCE_ARTIFACT, sourceOf } from './source.ts';

interface EcsDeployment {
  readonly action: CodepipelineStageAction;
  readonly statements: readonly Statement[];
}

/**
 * The action that gives a service its new image: it copies the task definition that runs, changes the image in it, and
 * has ECS replace the tasks one after the other; with the rights for exactly that.
 */
const ecsDeployment = (
  { arns, names }: Deployment,
  { name, service, taskDefinition }: LoadBalancedService,
  inputArtifact: string,
): EcsDeployment => {
  const cluster = names.cluster;
  const taskRoles = [taskDefinition.executionRole, taskDefinition.taskRole].filter(
    (role) => role !== undefined,
  );
  return {
    action: {
      name: 'Deploy',
      category: 'Deploy',
      owner: 'AWS',
      provider: 'ECS',
      version: '1',
      inputArtifacts: [inputArtifact],
      configuration: { ClusterName: cluster, ServiceName: service.name, FileName: IMAGE_DEFINITIONS },
    },
    statements: [
      {
        sid: 'UpdateTheService',
        actions: ['ecs:DescribeServices', 'ecs:UpdateService'],
        resources: [arns.service(cluster, name)],
      },
      {
        sid: 'RegisterTheTaskDefinition',
        actions: ['ecs:RegisterTaskDefinition', 'ecs:TagResource'],
        resources: [arns.taskDefinition(taskDefinition.family)],
      },
      {
        sid: 'ReadTaskDefinitions',
        actions: ['ecs:DescribeTaskDefinition'],
        resources: ['*'],
      },
      {
        sid: 'WatchTheTasks',
        actions: ['ecs:DescribeTasks'],
        resources: [arns.tasks(cluster)],
      },
      {
        sid: 'ListTheTasks',
        actions: ['ecs:ListTasks'],
        resources: ['*'],
        conditions: { ArnEquals: { 'ecs:cluster': arns.cluster(cluster) } },
      },
      {
        sid: 'GiveTheTasksTheirRoles',
        actions: ['iam:PassRole'],
        resources: taskRoles.map((role) => role.arn),
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      },
    ],
  };
};

/** Name under which the deployment finds the image definitions. */
const BUILD_ARTIFACT = 'build';

interface ContainerPipelineProps {
  readonly deployment: Deployment;
  readonly names: Names['web']['delivery'];
  readonly repository: ImageRepository;
  readonly containerName: string;
  readonly architecture: Architecture;
  /** Path in the source. */
  readonly dockerfile: string;
  readonly artifacts: ArtifactStore;
  /** Where the new image runs. @default - it is built, and used when somebody names it */
  readonly service?: LoadBalancedService;
}

/** From a push to a running image: source, build, and a rolling deployment that ECS takes back if it fails. */
export class ContainerPipeline extends Construct {
  constructor(scope: Construct, id: string, props: ContainerPipelineProps) {
    super(scope, id);
    const { deployment, names, artifacts, service } = props;
    const { arns } = deployment;

    const source = sourceOf(this, deployment, names.source);
    const build = new ImageBuild(this, 'build', {
      deployment,
      names,
      repository: props.repository,
      containerName: props.containerName,
      architecture: props.architecture,
      dockerfile: props.dockerfile,
      artifacts,
    });
    const role = new Role(this, 'role', {
      deployment,
      name: names.pipelineRole,
      description: `${names.pipeline} moves code to images with it`,
      service: 'codepipeline.amazonaws.com',
    });
    role.grant(...source.statements, ...artifacts.readAndWrite(), {
      sid: 'BuildTheImage',
      actions: ['codebuild:BatchGetBuilds', 'codebuild:StartBuild'],
      resources: [arns.buildProject(names.build)],
    });

    const stages: CodepipelineStage[] = [
      { name: 'Source', action: [source.action] },
      {
        name: 'Build',
        action: [
          {
            name: 'Build',
            category: 'Build',
            owner: 'AWS',
            provider: 'CodeBuild',
            version: '1',
            inputArtifacts: [SOURCE_ARTIFACT],
            outputArtifacts: [BUILD_ARTIFACT],
            configuration: { ProjectName: build.project.name },
          },
        ],
      },
    ];
    if (service) {
      const { action, statements } = ecsDeployment(deployment, service, BUILD_ARTIFACT);
      stages.push({ name: 'Deploy', action: [action] });
      role.grant(...statements);
    }

    new Codepipeline(this, 'pipeline', {
      name: names.pipeline,
      pipelineType: 'V2',
      roleArn: role.resource.arn,
      artifactStore: [
        {
          type: 'S3',
          location: artifacts.bucket.bucket.bucket,
          encryptionKey: { type: 'KMS', id: artifacts.key.key.arn },
        },
      ],
      stage: stages,
      ...(source.triggers ? { trigger: [...source.triggers] } : {}),
      dependsOn: [role.permissions],
    });
    if (source.repositoryArn)
      new PushTrigger(this, 'push', { deployment, names, repositoryArn: source.repositoryArn });
  }
}
