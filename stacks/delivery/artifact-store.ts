import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Role } from '../iam/role.ts';
import { PrivateBucket } from '../storage/bucket.ts';
import { EncryptionKey } from '../storage/key.ts';

const KEEP_DAYS = 30;

interface ArtifactStoreProps {
  readonly deployment: Deployment;
  readonly deletionProtection: boolean;
}

/** What the stages of the pipelines pass on: source bundles and image definitions, under a key of their own. */
export class ArtifactStore extends Construct {
  readonly bucket: PrivateBucket;
  readonly key: EncryptionKey;

  constructor(scope: Construct, id: string, { deployment, deletionProtection }: ArtifactStoreProps) {
    super(scope, id);
    const name = deployment.names.buckets.artifacts;
    this.key = new EncryptionKey(this, 'key', {
      deployment,
      name,
      description: `Artifacts of the delivery pipelines in ${name}`,
    });
    this.bucket = new PrivateBucket(this, 'bucket', {
      deployment,
      name,
      deletionProtection,
      encryptionKey: this.key,
      expireAfterDays: KEEP_DAYS,
    });
  }

  grantReadWrite(role: Role): void {
    role.grant(
      {
        sid: 'ListArtifacts',
        actions: ['s3:GetBucketAcl', 's3:GetBucketLocation', 's3:GetBucketVersioning', 's3:ListBucket'],
        resources: [this.bucket.arn],
      },
      {
        sid: 'ReadWriteArtifacts',
        actions: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'],
        resources: [this.bucket.objectsArn()],
      },
    );
    this.key.grantUse(role);
  }
}
