import { EcrLifecyclePolicy } from '@cdktf/provider-aws/lib/ecr-lifecycle-policy/index.js';
import { EcrRepository } from '@cdktf/provider-aws/lib/ecr-repository/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Role } from '../iam/role.ts';

/** Number of images kept for rollbacks. */
const KEEP = 20;

/** Only the first matching rule applies to an image. */
const lifecycleRules = (initialTag: string) =>
  [
    {
      description: 'Keep the image that the stack names',
      countNumber: 1,
      selected: { tagStatus: 'tagged', tagPatternList: [initialTag] },
    },
    {
      description: 'Keep what images are built on',
      countNumber: 2,
      selected: { tagStatus: 'tagged', tagPatternList: ['base-*'] },
    },
    { description: `Keep the last ${KEEP} images`, countNumber: KEEP, selected: { tagStatus: 'any' } },
  ].map(({ description, countNumber, selected }, index) => ({
    rulePriority: index + 1,
    description,
    selection: { ...selected, countType: 'imageCountMoreThan', countNumber },
    action: { type: 'expire' },
  }));

interface ImageRepositoryProps {
  readonly deployment: Deployment;
  /** Name of the repository, as in image URLs. */
  readonly name: string;
  /** The tag that the stack refers to; its image never expires. */
  readonly initialTag: string;
}

export const PULL_ACTIONS = 'ecr:BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer';

/** Lets a role log in to registries. One token is valid for all of them, so there is no resource to name. */
export const grantRegistryLogin = (role: Role): void =>
  role.grant({ sid: 'LogInToTheRegistry', actions: 'ecr:GetAuthorizationToken', resources: ['*'] });

/** Lets a role log in to Amazon's public registry, which raises its pull limit. */
export const grantPublicRegistryLogin = (role: Role): void =>
  role.grant(
    { sid: 'LogInToThePublicRegistry', actions: 'ecr-public:GetAuthorizationToken', resources: ['*'] },
    {
      sid: 'TokenOfThePublicRegistry',
      actions: 'sts:GetServiceBearerToken',
      resources: ['*'],
      conditions: { StringEquals: { 'sts:AWSServiceName': 'ecr-public.amazonaws.com' } },
    },
  );

/**
 * A container registry with immutable tags, scanned on push and kept small.
 *
 * @example
 * const repository = new ImageRepository(stack, 'web', { deployment, name: 'web', initialTag: 'initial' });
 * repository.url; // => '123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/web'
 */
export class ImageRepository extends Construct {
  readonly name: string;
  /** Address without a tag: <account>.dkr.ecr.<region>.amazonaws.com/<name> */
  readonly url: string;
  readonly #arn: string;

  constructor(scope: Construct, id: string, props: ImageRepositoryProps) {
    super(scope, id);
    const { deployment, name, initialTag } = props;
    const { arns } = deployment;
    this.name = name;
    this.url = arns.imageRepositoryUrl(name);
    this.#arn = arns.imageRepository(name);
    const repository = new EcrRepository(this, 'repository', {
      name,
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: [{ encryptionType: 'AES256' }],
      forceDelete: !deployment.deletionProtection,
    });
    new EcrLifecyclePolicy(this, 'lifecycle', {
      repository: repository.name,
      policy: JSON.stringify({
        rules: lifecycleRules(initialTag),
      }),
    });
  }

  grantPull(role: Role): void {
    grantRegistryLogin(role);
    role.grant({ sid: 'PullTheImage', actions: PULL_ACTIONS, resources: [this.#arn] });
  }

  /** Lets a role push an image, and see whether it is already there. */
  grantPush(role: Role): void {
    grantRegistryLogin(role);
    role.grant({
      sid: 'PushTheImage',
      actions: `ecr:BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload DescribeImages
        GetDownloadUrlForLayer InitiateLayerUpload PutImage UploadLayerPart`,
      resources: [this.#arn],
    });
  }
}

/** The registries of the images that we build: the services' and the learning image, which trains, evaluates and deploys. */
export type Images = Readonly<Record<'web' | 'was' | 'ml', ImageRepository>>;

/** @param tags the tags that the stack refers to */
export const createImages = (
  scope: Construct,
  deployment: Deployment,
  tags: Readonly<Record<keyof Images, string>>,
): Images => {
  const own = new Construct(scope, 'images');
  const repository = (key: keyof Images, name: string) =>
    new ImageRepository(own, key, { deployment, name, initialTag: tags[key] });
  const { web, was, learning } = deployment.names;
  return {
    web: repository('web', web.repository),
    was: repository('was', was.repository),
    ml: repository('ml', learning.repository),
  };
};
