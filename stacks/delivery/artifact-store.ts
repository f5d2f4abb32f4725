import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';
import { PrivateBucket } from '../storage/bucket.ts';
import { EncryptionKey } from '../storage/key.ts';

const KEEP_DAYS = 30;

/** What the stages of the pipelines hand to each other: source bundles and image definitions, under a key of their own. */
export class ArtifactStore extends Construct {
  readonly bucket: PrivateBucket;
  readonly key: EncryptionKey;
  readonly #deployment: Deployment;

  constructor(scope: Construct, id: string, { deployment }: { readonly deployment: Deployment }) {
    super(scope, id);
    this.#deployment = deployment;
    const { names } = deployment;
    this.key = new EncryptionKey(this, 'key', {
      deployment,
      name: names.buckets.artifacts,
      description: `Artifacts of the delivery pipelines in ${names.buckets.artifacts}`,
    });
    this.bucket = new PrivateBucket(this, 'bucket', {
      deployment,
      name: names.buckets.artifacts,
      encryptionKey: this.key,
      expireAfterDays: KEEP_DAYS,
    });
  }

  /** What a role needs to take artifacts and to leave some. */
  readAndWrite(): readonly Statement[] {
    const { arns } = this.#deployment;
    const { name } = this.bucket;
    return [
      {
        sid: 'FindTheArtifacts',
        actions: ['s3:GetBucketAcl', 's3:GetBucketLocation', 's3:GetBucketVersioning', 's3:ListBucket'],
        resources: [arns.bucket(name)],
      },
      {
        sid: 'TakeAndLeaveArtifacts',
        actions: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'],
        resources: [arns.objects(name)],
      },
      this.key.use(),
    ];
  }
}
