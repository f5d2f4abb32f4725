import { Construct } from 'constructs';
import type { Configuration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import type { Images } from '../images/image-repository.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import { ArtifactStore } from './artifact-store.ts';
import { ContainerPipeline } from './container-pipeline.ts';

interface DeliveryProps {
  readonly deployment: Deployment;
  readonly images: Images;
  readonly services: Readonly<Record<'web' | 'was', LoadBalancedService>>;
  readonly source: Configuration['source'];
  readonly logRetentionDays: number;
  readonly deletionProtection: boolean;
}

/** From code to running images: one pipeline for each image. */
export class Delivery extends Construct {
  constructor(scope: Construct, id: string, props: DeliveryProps) {
    super(scope, id);
    const { deployment, images, services, source, logRetentionDays, deletionProtection } = props;
    const { names } = deployment;
    const artifacts = new ArtifactStore(this, 'artifacts', { deployment, deletionProtection });
    const common = { deployment, artifacts, source, logRetentionDays };
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
