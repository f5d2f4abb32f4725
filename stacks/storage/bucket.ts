import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket/index.js';
import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import { S3BucketOwnershipControls } from '@cdktf/provider-aws/lib/s3-bucket-ownership-controls/index.js';
import { S3BucketPolicy } from '@cdktf/provider-aws/lib/s3-bucket-policy/index.js';
import { S3BucketPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js';
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js';
import { S3BucketVersioningA } from '@cdktf/provider-aws/lib/s3-bucket-versioning/index.js';
import { S3Object } from '@cdktf/provider-aws/lib/s3-object/index.js';
import type { ITerraformDependable } from 'cdktf';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { type ResourceStatement, resourcePolicy } from '../iam/policy.ts';
import type { EncryptionKey } from './key.ts';

interface PrivateBucketProps {
  readonly deployment: Deployment;
  readonly name: string;
  /** @default - a key that S3 manages */
  readonly encryptionKey?: EncryptionKey;
  /** Days after which objects are deleted. @default - kept */
  readonly expireAfterDays?: number;
  /** Days that a deleted or replaced object can still be brought back. @default 30 */
  readonly restoreDays?: number;
  /** AWS services that may use the bucket. @default none */
  readonly statements?: readonly ResourceStatement[];
}

/** A bucket that is encrypted, versioned, never public, and spoken to over TLS only. */
export class PrivateBucket extends Construct {
  readonly name: string;
  readonly bucket: S3Bucket;
  /** Services that check whether they may write must wait for it. */
  readonly policy: S3BucketPolicy;
  readonly #treatsObjects: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: PrivateBucketProps) {
    super(scope, id);
    const { deployment, name, encryptionKey, expireAfterDays, restoreDays = 30, statements = [] } = props;
    const { arns, config } = deployment;
    this.name = name;
    this.bucket = new S3Bucket(this, 'Resource', { bucket: name, forceDestroy: !config.deletionProtection });
    const bucket = this.bucket.id;

    new S3BucketOwnershipControls(this, 'ownership', {
      bucket,
      rule: { objectOwnership: 'BucketOwnerEnforced' },
    });
    const publicAccess = new S3BucketPublicAccessBlock(this, 'public-access', {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const encryption = new S3BucketServerSideEncryptionConfigurationA(this, 'encryption', {
      bucket,
      rule: [
        encryptionKey
          ? {
              applyServerSideEncryptionByDefault: {
                sseAlgorithm: 'aws:kms',
                kmsMasterKeyId: encryptionKey.key.arn,
              },
              bucketKeyEnabled: true,
            }
          : { applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } },
      ],
    });
    const versioning = new S3BucketVersioningA(this, 'versioning', {
      bucket,
      versioningConfiguration: { status: 'Enabled' },
    });
    this.#treatsObjects = [encryption, versioning];
    new S3BucketLifecycleConfiguration(this, 'lifecycle', {
      bucket,
      dependsOn: [versioning],
      rule: [
        {
          id: 'tidy',
          status: 'Enabled',
          filter: [{ prefix: '' }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
          noncurrentVersionExpiration: [{ noncurrentDays: restoreDays }],
          ...(expireAfterDays === undefined ? {} : { expiration: [{ days: expireAfterDays }] }),
        },
      ],
    });
    this.policy = new S3BucketPolicy(this, 'policy', {
      bucket,
      policy: resourcePolicy([
        {
          sid: 'OnlyOverTls',
          effect: 'Deny',
          principal: '*',
          actions: ['s3:*'],
          resources: [arns.bucket(name), arns.objects(name)],
          conditions: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        ...statements,
      ]),
      dependsOn: [publicAccess],
    });
  }

  /**
   * Lays a text file into the bucket. It waits for encryption and versioning: an object that is there before them has no
   * version, and taking it away leaves a marker behind, on which the deletion of the bucket can trip.
   */
  put(id: string, key: string, text: string): S3Object {
    return new S3Object(this, id, {
      bucket: this.bucket.bucket,
      key,
      content: text,
      contentType: 'text/plain',
      dependsOn: [...this.#treatsObjects],
    });
  }
}

/** Where load balancers write who asked for what. They can only write to buckets whose keys S3 manages. */
export class AccessLogBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { deployment }: { readonly deployment: Deployment }) {
    const { arns, config, names } = deployment;
    const name = names.buckets.accessLogs;
    super(scope, id, {
      deployment,
      name,
      expireAfterDays: config.observability.logRetentionDays,
      statements: [
        {
          sid: 'LoadBalancersWriteTheirLogs',
          principal: { service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
          actions: ['s3:PutObject'],
          resources: [arns.objects(name)],
          conditions: { StringEquals: { 'aws:SourceAccount': config.account } },
        },
      ],
    });
  }
}
