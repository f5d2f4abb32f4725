import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket/index.js';
import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import { S3BucketLoggingA } from '@cdktf/provider-aws/lib/s3-bucket-logging/index.js';
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
import type { Role } from '../iam/role.ts';
import { EncryptionKey } from './key.ts';

interface PrivateBucketProps {
  readonly deployment: Deployment;
  readonly name: string;
  /** @default - a key managed by S3 */
  readonly encryptionKey?: EncryptionKey;
  /** Days after which objects are deleted. @default - kept */
  readonly expireAfterDays?: number;
  /** Days for which a deleted or replaced object can be restored. @default 30 */
  readonly restoreDays?: number;
  /** Policy statements for AWS services. @default - none */
  readonly statements?: readonly ResourceStatement[];
}

/** A bucket that is encrypted, versioned, never public, and requires TLS. */
class PrivateBucket extends Construct {
  readonly name: string;
  readonly bucket: S3Bucket;
  /** Services that check whether they may write must depend on it. */
  readonly policy: S3BucketPolicy;
  readonly #arns: Deployment['arns'];
  readonly #objectSettings: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: PrivateBucketProps) {
    super(scope, id);
    const { deployment, name, encryptionKey, expireAfterDays, restoreDays = 30, statements = [] } = props;
    this.#arns = deployment.arns;
    this.name = name;
    this.bucket = new S3Bucket(this, 'Resource', {
      bucket: name,
      forceDestroy: !deployment.deletionProtection,
    });
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
    this.#objectSettings = [encryption, versioning];
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
          actions: 's3:*',
          resources: [this.arn, this.objectsArn()],
          conditions: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        ...statements,
      ]),
      dependsOn: [publicAccess],
    });
  }

  /** Composed from the name, so that plans show it before the bucket exists. */
  get arn(): string {
    return this.#arns.bucket(this.name);
  }

  objectsArn(prefix = ''): string {
    return this.#arns.objects(this.name, prefix);
  }

  /**
   * Puts a text file into the bucket. It depends on encryption and versioning: an object created before versioning has
   * no version, and deleting it leaves a marker behind, which can make the deletion of the bucket fail.
   */
  addTextObject(id: string, key: string, text: string): S3Object {
    return new S3Object(this, id, {
      bucket: this.bucket.bucket,
      key,
      content: text,
      contentType: 'text/plain',
      dependsOn: [...this.#objectSettings],
    });
  }
}

/** Lets S3 write the logs of the other two buckets. Source: "Enabling Amazon S3 server access logging", S3 guide. */
const bucketLogs = ({ account, arns, names }: Deployment): ResourceStatement => ({
  sid: 'BucketsWriteTheirLogs',
  principal: { service: 'logging.s3.amazonaws.com' },
  actions: 's3:PutObject',
  resources: [arns.objects(names.buckets.accessLogs, 's3/')],
  conditions: {
    ArnLike: { 'aws:SourceArn': [names.buckets.artifacts, names.buckets.dataset].map(arns.bucket) },
    StringEquals: { 'aws:SourceAccount': account },
  },
});

/** From the guide of Elastic Load Balancing; the account is in the path. */
const loadBalancerLogs = ({ account, arns, names }: Deployment): ResourceStatement => ({
  sid: 'LoadBalancersWriteTheirLogs',
  principal: { service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
  actions: 's3:PutObject',
  resources: [names.web, names.was].map(({ loadBalancer }) =>
    arns.objects(names.buckets.accessLogs, `${loadBalancer}/AWSLogs/${account}/`),
  ),
  conditions: { ArnLike: { 'aws:SourceArn': arns.anyLoadBalancer } },
});

/** The access logs of the load balancers, which can only write to buckets encrypted with a key managed by S3. */
export class AccessLogBucket extends PrivateBucket {
  /** @param ofBuckets whether requests to the other buckets are logged here too */
  constructor(scope: Construct, id: string, deployment: Deployment, ofBuckets: boolean) {
    super(scope, id, {
      deployment,
      name: deployment.names.buckets.accessLogs,
      expireAfterDays: deployment.logRetentionDays,
      statements: [loadBalancerLogs(deployment), ...(ofBuckets ? [bucketLogs(deployment)] : [])],
    });
  }
}

/** Logs a bucket's requests to another bucket. */
export const logRequests = (source: PrivateBucket, logs: AccessLogBucket): void => {
  new S3BucketLoggingA(source, 'logging', {
    bucket: source.bucket.id,
    targetBucket: logs.bucket.id,
    targetPrefix: `s3/${source.name}/`,
    dependsOn: [logs.policy],
  });
};

/**
 * Photos by class (`flowers/<class>/*.jpg`), models, checkpoints and reports.
 *
 * @example
 * const bucket = new DatasetBucket(stack, 'dataset', deployment);
 * bucket.grantReadModels(role);
 * bucket.addTextObject('note', 'flowers/README.txt', 'One folder of photos per class.');
 */
export class DatasetBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, deployment: Deployment) {
    const name = deployment.names.buckets.dataset;
    super(scope, id, { deployment, name, restoreDays: 90 });
  }

  grantRead(role: Role): void {
    this.#grantList(role);
    role.grant({ sid: 'ReadTheData', actions: 's3:GetObject', resources: [this.objectsArn()] });
  }

  /** Lets a role read models, but no photos. */
  grantReadModels(role: Role): void {
    this.#grantList(role);
    role.grant({ sid: 'ReadModels', actions: 's3:GetObject', resources: [this.objectsArn('models/')] });
  }

  /**
   * Lets a role read everything, and write under some prefixes.
   *
   * @param prefixes each ends with a slash
   */
  grantReadWrite(role: Role, ...prefixes: readonly string[]): void {
    this.grantRead(role);
    role.grant({
      sid: 'WriteResults',
      actions: 's3:AbortMultipartUpload DeleteObject PutObject',
      resources: prefixes.map((prefix) => this.objectsArn(prefix)),
    });
  }

  #grantList(role: Role): void {
    role.grant({ sid: 'ListDataset', actions: 's3:GetBucketLocation ListBucket', resources: [this.arn] });
  }
}

const KEEP_DAYS = 30;

/** The artifacts that pipeline stages pass on, source bundles and image definitions, encrypted with their own key. */
export class ArtifactStore extends Construct {
  readonly bucket: PrivateBucket;
  readonly key: EncryptionKey;

  constructor(scope: Construct, id: string, deployment: Deployment) {
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
      encryptionKey: this.key,
      expireAfterDays: KEEP_DAYS,
    });
  }

  grantReadWrite(role: Role): void {
    role.grant(
      {
        sid: 'ListArtifacts',
        actions: 's3:GetBucketAcl GetBucketLocation GetBucketVersioning ListBucket',
        resources: [this.bucket.arn],
      },
      {
        sid: 'ReadWriteArtifacts',
        actions: 's3:GetObject GetObjectVersion PutObject',
        resources: [this.bucket.objectsArn()],
      },
    );
    this.key.grantUse(role, this.bucket.arn);
  }
}
