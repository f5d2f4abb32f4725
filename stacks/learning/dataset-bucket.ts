import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Role } from '../iam/role.ts';
import { PrivateBucket } from '../storage/bucket.ts';

interface DatasetBucketProps {
  readonly deployment: Deployment;
  readonly deletionProtection: boolean;
}

/** Photos by class (`flowers/<class>/*.jpg`), and what learning makes of them: models, checkpoints and reports. */
export class DatasetBucket extends PrivateBucket {
  constructor(scope: Construct, id: string, { deployment, deletionProtection }: DatasetBucketProps) {
    const name = deployment.names.buckets.dataset;
    super(scope, id, { deployment, name, deletionProtection, restoreDays: 90 });
  }

  grantRead(role: Role): void {
    this.#grantList(role);
    role.grant({ sid: 'ReadTheData', actions: ['s3:GetObject'], resources: [this.objectsArn()] });
  }

  /** Lets a role read models, but no photos. */
  grantReadModels(role: Role): void {
    this.#grantList(role);
    role.grant({ sid: 'ReadModels', actions: ['s3:GetObject'], resources: [this.objectsArn('models/')] });
  }

  /**
   * Lets a role read everything, and write under some prefixes.
   *
   * @param prefixes each ends in a slash
   */
  grantReadWrite(role: Role, ...prefixes: readonly string[]): void {
    this.grantRead(role);
    role.grant({
      sid: 'WriteResults',
      actions: ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:PutObject'],
      resources: prefixes.map((prefix) => this.objectsArn(prefix)),
    });
  }

  #grantList(role: Role): void {
    role.grant({
      sid: 'ListDataset',
      actions: ['s3:GetBucketLocation', 's3:ListBucket'],
      resources: [this.arn],
    });
  }
}
