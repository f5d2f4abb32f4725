import { EcrLifecyclePolicy } from '@cdktf/provider-aws/lib/ecr-lifecycle-policy/index.js';
import { EcrRepository } from '@cdktf/provider-aws/lib/ecr-repository/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';

/** Images kept for a rollback. */
const KEEP = 20;

interface ImageRepositoryProps {
  readonly deployment: Deployment;
  /** Name of the repository, as in image addresses. */
  readonly name: string;
  /** The tag that the stack names; its image is never expired, however many are built after it. */
  readonly initialTag: string;
}

/** A container registry whose tags always mean the same image, scanned on push and kept small. */
export class ImageRepository extends Construct {
  readonly name: string;
  /** Address without a tag: <account>.dkr.ecr.<region>.amazonaws.com/<name> */
  readonly url: string;
  readonly #arn: string;

  constructor(scope: Construct, id: string, { deployment, name, initialTag }: ImageRepositoryProps) {
    super(scope, id);
    const { arns, config } = deployment;
    this.name = name;
    this.url = arns.imageRepositoryUrl(name);
    this.#arn = arns.imageRepository(name);
    const repository = new EcrRepository(this, 'repository', {
      name,
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: [{ encryptionType: 'AES256' }],
      forceDelete: !config.deletionProtection,
    });
    new EcrLifecyclePolicy(this, 'lifecycle', {
      repository: repository.name,
      policy: JSON.stringify({
        rules: [
          // An image falls under the first rule that knows its tag, and under no other.
          {
            rulePriority: 1,
            description: 'Keep the image that the stack names',
            selection: {
              tagStatus: 'tagged',
              tagPatternList: [initialTag],
              countType: 'imageCountMoreThan',
              countNumber: 1,
            },
            action: { type: 'expire' },
          },
          {
            rulePriority: 2,
            description: `Keep the last ${KEEP} images`,
            selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: KEEP },
            action: { type: 'expire' },
          },
        ],
      }),
    });
  }

  /** What a role needs to pull an image; the token is AWS's one for all registries, and names none. */
  pull(): readonly Statement[] {
    return [
      REGISTRY_TOKEN,
      {
        sid: 'PullTheImage',
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        resources: [this.#arn],
      },
    ];
  }

  /** What a role needs to push an image, and to see that it is already there. */
  push(): readonly Statement[] {
    return [
      REGISTRY_TOKEN,
      {
        sid: 'PushTheImage',
        actions: [
          'ecr:BatchCheckLayerAvailability',
          'ecr:BatchGetImage',
          'ecr:CompleteLayerUpload',
          'ecr:DescribeImages',
          'ecr:GetDownloadUrlForLayer',
          'ecr:InitiateLayerUpload',
          'ecr:PutImage',
          'ecr:UploadLayerPart',
        ],
        resources: [this.#arn],
      },
    ];
  }
}

export const REGISTRY_TOKEN: Statement = {
  sid: 'LogInToTheRegistry',
  actions: ['ecr:GetAuthorizationToken'],
  resources: ['*'],
};

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
