import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Images } from '../images/image-repository.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import { ArtifactStore } from './artifact-store.ts';
import { ContainerPipeline } from './container-pipeline.ts';

export interface DeliveryProps {
  readonly deployment: Deployment;
  readonly images: Images;
  readonly services: Readonly<Record<'web' | 'was', LoadBalancedService>>;
}

/** From code to running images: one pipeline for each image. */
export class Delivery extends Construct {
  constructor(scope: Construct, id: string, { deployment, images, services }: DeliveryProps) {
    super(scope, id);
    const { names } = deployment;
    const artifacts = new ArtifactStore(this, 'artifacts', { deployment });
    for (const key of ['web', 'was'] as const)
      new ContainerPipeline(this, key, {
        deployment,
        artifacts,
        names: names[key].delivery,
        repository: images[key],
        containerName: services[key].containerName,
        architecture: 'arm64',
        dockerfile: `services/${key}/Dockerfile`,
        service: services[key],
      });
    new ContainerPipeline(this, 'ml', {
      deployment,
      artifacts,
      names: names.learning.delivery,
      repository: images.ml,
      containerName: names.learning.repository,
      architecture: 'x86-64',
      dockerfile: 'model/Dockerfile',
    });
  }
}
