import {
  Codepipeline,
  type CodepipelineStage,
  type CodepipelineStageAction,
  type CodepipelineStageBeforeEntry,
} from '@cdktf/provider-aws/lib/codepipeline/index.js';
import { Construct } from 'constructs';
import type { Configuration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';
import type { Images } from '../images/image-repository.ts';
import { imageSources } from '../images/image-sources.ts';
import type { Names } from '../names.ts';
import type { LoadBalancedService, Services } from '../service/load-balanced-service.ts';
import { ArtifactStore } from '../storage/bucket.ts';
import {
  IMAGE_CHANGED,
  IMAGE_DEFINITIONS,
  ImageBuildProject,
  type ImageBuildProjectProps,
} from './image-build.ts';
import { createSource, SOURCE_ARTIFACT, startOnPush } from './source.ts';

/** Name under which the deployment finds the image definitions. */
const BUILD_ARTIFACT = 'build';
/** Namespace under which the deployment finds the build's exported variables. */
const BUILD_VARIABLES = 'build';

/** Skips a stage if the service already runs the image. Source: "VariableCheck", CodePipeline guide. */
const onlyChangedImages = (region: string): CodepipelineStageBeforeEntry => ({
  condition: {
    result: 'SKIP',
    rule: [
      {
        name: 'ImageHasChanged',
        // CodePipeline may add it by itself; without it here, every plan would then remove it.
        region,
        ruleTypeId: { category: 'Rule', owner: 'AWS', provider: 'VariableCheck', version: '1' },
        configuration: { Variable: `#{${BUILD_VARIABLES}.${IMAGE_CHANGED}}`, Operator: 'EQ', Value: 'yes' },
      },
    ],
  },
});

/** Copies the running task definition with the new image, and has ECS replace the tasks one by one. */
const ecsDeployAction = (cluster: string, { service }: LoadBalancedService): CodepipelineStageAction => ({
  name: 'Deploy',
  category: 'Deploy',
  owner: 'AWS',
  provider: 'ECS',
  version: '1',
  inputArtifacts: [BUILD_ARTIFACT],
  configuration: { ClusterName: cluster, ServiceName: service.name, FileName: IMAGE_DEFINITIONS },
});

interface ContainerPipelineProps extends ImageBuildProjectProps {
  readonly names: Names['web']['delivery'];
  readonly source: Configuration['source'];
}

/** From a push to a running image: source, build, and a rolling deployment that ECS rolls back if it fails. */
class ContainerPipeline extends Construct {
  constructor(scope: Construct, id: string, props: ContainerPipelineProps) {
    super(scope, id);
    const { deployment, names, artifacts, service } = props;

    const source = createSource(this, {
      deployment,
      repositoryName: names.source,
      settings: props.source,
      paths: imageSources(props.dockerfile),
    });
    const build = new ImageBuildProject(this, 'build', props);
    const role = new Role(this, 'role', {
      deployment,
      name: names.pipelineRole,
      description: `Used by ${names.pipeline} to turn code into images`,
      service: 'codepipeline.amazonaws.com',
    });
    source.grantRead(role);
    artifacts.grantReadWrite(role);
    role.grant({
      sid: 'BuildTheImage',
      actions: 'codebuild:BatchGetBuilds StartBuild',
      resources: [deployment.arns.buildProject(names.build)],
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
            namespace: BUILD_VARIABLES,
            inputArtifacts: [SOURCE_ARTIFACT],
            outputArtifacts: [BUILD_ARTIFACT],
            configuration: { ProjectName: build.project.name },
          },
        ],
      },
    ];
    if (service) {
      stages.push({
        name: 'Deploy',
        beforeEntry: onlyChangedImages(deployment.region),
        action: [ecsDeployAction(deployment.names.cluster, service)],
      });
      service.grantDeploy(role);
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
    if (source.repositoryArn) startOnPush(this, deployment, names, source.repositoryArn, props.source.branch);
  }
}

interface DeliveryProps {
  readonly deployment: Deployment;
  readonly images: Images;
  readonly services: Services;
  readonly source: Configuration['source'];
}

/** From code to running images: one pipeline for each image. */
export class Delivery extends Construct {
  readonly artifacts: ArtifactStore;

  constructor(scope: Construct, id: string, props: DeliveryProps) {
    super(scope, id);
    const { deployment, images, services, source } = props;
    const { names } = deployment;
    const artifacts = new ArtifactStore(this, 'artifacts', deployment);
    this.artifacts = artifacts;
    const common = { deployment, artifacts, source };
    for (const key of ['web', 'was'] as const)
      new ContainerPipeline(this, key, {
        ...common,
        names: names[key].delivery,
        repository: images[key],
        containerName: services[key].containerName,
        architecture: 'arm64',
        dockerfile: `services/${key}/Dockerfile`,
        service: services[key],
      });
    new ContainerPipeline(this, 'ml', {
      ...common,
      names: names.learning.delivery,
      repository: images.ml,
      containerName: names.learning.repository,
      architecture: 'x86-64',
      dockerfile: 'model/Dockerfile',
    });
  }
}
