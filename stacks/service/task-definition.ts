import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { EcsTaskDefinition } from '@cdktf/provider-aws/lib/ecs-task-definition/index.js';
import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { IamRolePolicyAttachment } from '@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js';
import { Construct } from 'constructs';
import { PATHS, STOP_SECONDS } from '../../services/contract.ts';
import type { ServiceConfiguration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import { identityPolicy } from '../iam/policy.ts';
import { Role } from '../iam/role.ts';
import type { ImageRepository } from '../images/image-repository.ts';
import type { Names } from '../names.ts';

/** The user and group `node` in the official Node.js images. */
const NOT_ROOT = '1000:1000';
const OPEN_FILES = 65_536;

const healthCheckScript = (port: number): string =>
  `fetch('http://127.0.0.1:${port}${PATHS.health}').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`;

/** An ECS container definition without root, with a read-only file system and no kernel capabilities. */
const containerDefinition = (
  { deployment: { region }, names, repository, size, port, environment }: TaskDefinitionProps,
  logGroup: string,
) => ({
  name: names.image,
  image: `${repository.url}:${size.imageTag}`,
  essential: true,
  user: NOT_ROOT,
  readonlyRootFilesystem: true,
  // ECS returns the empty list; without it, Terraform would replace the definition in every plan.
  linuxParameters: { initProcessEnabled: true, capabilities: { add: [], drop: ['ALL'] } },
  portMappings: [{ containerPort: port, hostPort: port, protocol: 'tcp' }],
  environment: Object.entries({ PORT: String(port), ...environment })
    .map(([key, value]) => ({ name: key, value }))
    // ECS sorts them, so Terraform would see a difference.
    .sort((one, other) => (one.name < other.name ? -1 : 1)),
  healthCheck: {
    command: ['CMD', 'node', '-e', healthCheckScript(port)],
    interval: 15,
    timeout: 5,
    retries: 3,
    startPeriod: 30,
  },
  stopTimeout: STOP_SECONDS.killed,
  ulimits: [{ name: 'nofile', softLimit: OPEN_FILES, hardLimit: OPEN_FILES }],
  logConfiguration: {
    logDriver: 'awslogs',
    options: { 'awslogs-group': logGroup, 'awslogs-region': region, 'awslogs-stream-prefix': names.image },
  },
});

interface TaskDefinitionProps {
  readonly deployment: Deployment;
  readonly names: Pick<Names['web'], 'taskDefinition' | 'executionRole' | 'logGroup' | 'image'>;
  /** Port on which the container answers `GET /health`. */
  readonly port: number;
  readonly size: Pick<ServiceConfiguration, 'cpu' | 'memory' | 'imageTag'>;
  readonly repository: ImageRepository;
  readonly environment: Readonly<Record<string, string>>;
  /** Role of the code in the container. @default - none */
  readonly taskRole?: Role;
}

/** A service's task: a single container on ARM64, its log group, and the role that starts it. */
export class TaskDefinition extends Construct {
  readonly definition: EcsTaskDefinition;
  readonly family: string;
  readonly executionRole: Role;
  readonly taskRole: Role | undefined;

  constructor(scope: Construct, id: string, props: TaskDefinitionProps) {
    super(scope, id);
    const { deployment, names, repository, size, taskRole } = props;
    this.taskRole = taskRole;
    this.family = names.taskDefinition;

    const logs = new CloudwatchLogGroup(this, 'logs', {
      name: names.logGroup,
      retentionInDays: deployment.logRetentionDays,
    });
    this.executionRole = new Role(this, 'execution-role', {
      deployment,
      name: names.executionRole,
      description: `Used by ECS to start the tasks of ${this.family}`,
      service: 'ecs-tasks.amazonaws.com',
    });
    repository.grantPull(this.executionRole);
    this.executionRole.grant({
      sid: 'WriteTheLog',
      actions: 'logs:CreateLogStream PutLogEvents',
      resources: [deployment.arns.logStreams(names.logGroup)],
    });
    this.definition = new EcsTaskDefinition(this, 'Resource', {
      family: this.family,
      requiresCompatibilities: ['FARGATE'],
      networkMode: 'awsvpc',
      cpu: String(size.cpu),
      memory: String(size.memory),
      // The build project of this image runs on the same architecture.
      runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
      executionRoleArn: this.executionRole.resource.arn,
      ...(taskRole ? { taskRoleArn: taskRole.resource.arn } : {}),
      // An older revision must stay usable, or a failed deployment has nothing to roll back to.
      skipDestroy: true,
      containerDefinitions: JSON.stringify([containerDefinition(props, logs.name)]),
      dependsOn: [this.executionRole.permissions],
    });
  }
}

/** The role of the WAS's code, which may only invoke the endpoint. */
export const createInvokeRole = (scope: Construct, id: string, deployment: Deployment): Role => {
  const { arns, names } = deployment;
  const role = new Role(scope, `${id}-role`, {
    deployment,
    name: names.was.taskRole,
    description: `Used by ${names.was.service} to invoke the endpoint`,
    service: 'ecs-tasks.amazonaws.com',
  });
  const policy = new IamPolicy(scope, `${id}-policy`, {
    name: names.was.invokePolicy,
    description: `Ask the endpoint ${names.learning.endpoint}`,
    policy: identityPolicy([
      {
        sid: 'InvokeEndpoint',
        actions: 'sagemaker:InvokeEndpoint',
        resources: [arns.sagemaker('endpoint', names.learning.endpoint)],
      },
    ]),
  });
  new IamRolePolicyAttachment(scope, `${id}-policy-attachment`, {
    role: role.resource.name,
    policyArn: policy.arn,
  });
  return role;
};
