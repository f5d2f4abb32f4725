import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias/index.js';
import { KmsKey } from '@cdktf/provider-aws/lib/kms-key/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { type ResourceStatement, resourcePolicy } from '../iam/policy.ts';
import type { Role } from '../iam/role.ts';

interface EncryptionKeyProps {
  readonly deployment: Deployment;
  readonly name: string;
  readonly description: string;
  /** Key policy statements for AWS services that use the key on their own behalf. @default - none */
  readonly services?: readonly ResourceStatement[];
}

/** Without these permissions for the account, the key could not be managed or used. */
const ACCOUNT_ACTIONS = `kms:CancelKeyDeletion CreateAlias CreateGrant Decrypt DeleteAlias DescribeKey
  DisableKey DisableKeyRotation EnableKey EnableKeyRotation Encrypt GenerateDataKey GetKeyPolicy
  GetKeyRotationStatus ListGrants ListKeyPolicies ListResourceTags PutKeyPolicy ReEncryptFrom ReEncryptTo
  RevokeGrant ScheduleKeyDeletion TagResource UntagResource UpdateAlias UpdateKeyDescription`;

/**
 * A customer managed key, rotated every year, for the roles that it is granted to.
 *
 * @example
 * const key = new EncryptionKey(stack, 'key', { deployment, name: 'photos', description: 'Photos' });
 * key.grantUse(role, 'arn:aws:s3:::photos');
 */
export class EncryptionKey extends Construct {
  readonly key: KmsKey;
  readonly #anyKey: string;

  constructor(
    scope: Construct,
    id: string,
    { deployment, name, description, services = [] }: EncryptionKeyProps,
  ) {
    super(scope, id);
    const { arns } = deployment;
    this.#anyKey = arns.anyKey;
    this.key = new KmsKey(this, 'Resource', {
      description,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
      policy: resourcePolicy([
        {
          sid: 'TheAccountManagesItsKeyThroughIam',
          principal: { aws: arns.accountRoot },
          actions: ACCOUNT_ACTIONS,
          resources: ['*'],
        },
        ...services,
      ]),
    });
    new KmsAlias(this, 'alias', { name: `alias/${name}`, targetKeyId: this.key.keyId });
  }

  /**
   * Lets a role read and write one bucket's objects with this key. The condition is S3's encryption context, because
   * the key's ARN is unknown before it exists, and an alias takes minutes to become effective ("Use aliases to control
   * access", KMS guide).
   *
   * @param bucketArn the encryption context is the bucket's ARN with a bucket key, and the object's without one
   */
  grantUse(role: Role, bucketArn: string): void {
    role.grant(
      {
        sid: 'UseTheKey',
        actions: 'kms:Decrypt Encrypt GenerateDataKey ReEncryptFrom ReEncryptTo',
        resources: [this.#anyKey],
        conditions: { StringLike: { 'kms:EncryptionContext:aws:s3:arn': [bucketArn, `${bucketArn}/*`] } },
      },
      { sid: 'DescribeTheKey', actions: 'kms:DescribeKey', resources: [this.#anyKey] },
    );
  }
}
