import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';
import { PrivateBucket } from '../storage/bucket.ts';

/** Photos by class (`flowers/<class>/*.jpg`), and what learning makes of them: models, checkpoints and reports. */
export class DatasetBucket extends PrivateBucket {
  readonly #deployment: Deployment;

  constructor(scope: Construct, id: string, { deployment }: { readonly deployment: Deployment }) {
    super(scope, id, { deployment, name: deployment.names.buckets.dataset, restoreDays: 90 });
    this.#deployment = deployment;
  }

  list(): Statement {
    return {
      sid: 'FindTheData',
      actions: ['s3:GetBucketLocation', 's3:ListBucket'],
      resources: [this.#deployment.arns.bucket(this.name)],
    };
  }

  read(): Statement {
    return {
      sid: 'ReadTheData',
      actions: ['s3:GetObject'],
      resources: [this.#deployment.arns.objects(this.name)],
    };
  }

  /** Under these prefixes, each ending in a slash. */
  write(...prefixes: readonly string[]): Statement {
    return {
      sid: 'WriteResults',
      actions: ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:PutObject'],
      resources: prefixes.map((prefix) => this.#deployment.arns.objects(this.name, prefix)),
    };
  }
}
