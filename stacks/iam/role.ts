import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { Lazy } from 'cdktf';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { identityPolicy, type PolicyStatement, trustPolicy } from './policy.ts';

interface RoleProps {
  readonly deployment: Deployment;
  readonly name: string;
  readonly description: string;
  /** The AWS service that assumes it, such as ecs-tasks.amazonaws.com. */
  readonly service: string;
}

/**
 * A role with exactly the permissions that were granted to it.
 *
 * @example
 * const role = new Role(stack, 'reader', {
 *   deployment,
 *   name: 'photo-reader',
 *   description: 'Reads photos',
 *   service: 'ecs-tasks.amazonaws.com',
 * });
 * role.grant({ sid: 'ReadPhotos', actions: 's3:GetObject', resources: ['arn:aws:s3:::photos/*'] });
 */
export class Role extends Construct {
  /** Composed from the name, so that plans show it before the role exists. */
  readonly arn: string;
  readonly resource: IamRole;
  readonly #statements: PolicyStatement[] = [];
  #permissions: IamRolePolicy | undefined;

  constructor(scope: Construct, id: string, { deployment, name, description, service }: RoleProps) {
    super(scope, id);
    this.arn = deployment.arns.role(name);
    this.resource = new IamRole(this, 'Resource', {
      name,
      description,
      assumeRolePolicy: trustPolicy(service, deployment.account),
    });
  }

  /** The policy with all grants; a resource whose creation checks these permissions must depend on it. */
  get permissions(): IamRolePolicy {
    this.#permissions ??= new IamRolePolicy(this, 'permissions', {
      name: 'permissions',
      role: this.resource.name,
      policy: Lazy.stringValue({ produce: () => identityPolicy(this.#statements) }),
    });
    return this.#permissions;
  }

  grant(...statements: readonly PolicyStatement[]): void {
    this.#statements.push(...statements);
    // Created with the first grant, because IAM allows no empty policy.
    void this.permissions;
  }
}
