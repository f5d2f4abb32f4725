import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { ImageRepository } from './image-repository.ts';

/** The registries of all images that we build. */
export class Images extends Construct {
  readonly web: ImageRepository;
  readonly was: ImageRepository;
  /** Trains, evaluates and deploys models. */
  readonly ml: ImageRepository;

  constructor(scope: Construct, id: string, { deployment }: { readonly deployment: Deployment }) {
    super(scope, id);
    const { config, names } = deployment;
    this.web = new ImageRepository(this, 'web', {
      deployment,
      name: names.web.repository,
      initialTag: config.web.imageTag,
    });
    this.was = new ImageRepository(this, 'was', {
      deployment,
      name: names.was.repository,
      initialTag: config.was.imageTag,
    });
    this.ml = new ImageRepository(this, 'ml', {
      deployment,
      name: names.learning.repository,
      initialTag: config.learning.imageTag,
    });
  }
}
