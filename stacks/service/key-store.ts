import { SecretsmanagerSecret } from '@cdktf/provider-aws/lib/secretsmanager-secret/index.js';
import { SecretsmanagerSecretVersion } from '@cdktf/provider-aws/lib/secretsmanager-secret-version/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';

/** The secret with the SHA-256 of each API key, by name. Operators write it; Terraform ignores its content. */
export class KeyStore extends Construct {
  readonly #deployment: Deployment;
  readonly #secret: SecretsmanagerSecret;

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id);
    this.#deployment = deployment;
    this.#secret = new SecretsmanagerSecret(this, 'Resource', {
      name: deployment.names.apiKeys,
      description: 'API keys: a JSON object of names and SHA-256 hashes',
    });
    new SecretsmanagerSecretVersion(this, 'first', {
      secretId: this.#secret.id,
      secretString: '{}',
      lifecycle: { ignoreChanges: ['secret_string', 'version_stages'] },
    });
  }

  get arn(): string {
    return this.#secret.arn;
  }

  /** Creates the role of the code that checks the keys. */
  createReaderRole(scope: Construct): Role {
    const { arns, names } = this.#deployment;
    const role = new Role(scope, 'task-role', {
      deployment: this.#deployment,
      name: names.web.taskRole,
      description: `Used by ${names.web.service} to read the API keys`,
      service: 'ecs-tasks.amazonaws.com',
    });
    role.grant({
      sid: 'ReadTheApiKeys',
      actions: 'secretsmanager:GetSecretValue',
      resources: [arns.secret(names.apiKeys)],
    });
    return role;
  }
}
