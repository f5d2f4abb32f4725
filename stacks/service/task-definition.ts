import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { EcsTaskDefinition } from '@cdktf/provider-aws/lib/ecs-task-definition/index.js';
import { Construct } from 'constructs';
import type { ServiceConfiguration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';
import type { ImageRepository } from '../images/image-repository.ts';
import { containerDefinition } from './container.ts';

export interface TaskDefinitionProps {
  readonly deployment: Deployment;
  readonly family: string;
  readonly executionRoleName: string;
  readonly logGroupName: string;
  readonly containerName: string;
  readonly port: number;
  readonly size: ServiceConfiguration;
  readonly repository: ImageRepository;
  readonly environment: Readonly<Record<string, string>>;
  /** What the code in the container may do in AWS. @default - nothing */
  readonly taskRole?: Role;
}

/** What one task of a service is: a single container on ARM64, its log group, and the role that starts it. */
export class TaskDefinition extends Construct {
  readonly definition: EcsTaskDefinition;
  readonly family: string;
  readonly executionRole: Role;
  readonly taskRole: Role | undefined;

  constructor(scope: Construct, id: string, props: TaskDefinitionProps) {
    super(scope, id);
    const { deployment, repository, size, taskRole } = props;
    const { arns, config } = deployment;
    this.taskRole = taskRole;
    this.family = props.family;

    const logs = new CloudwatchLogGroup(this, 'logs', {
      name: props.logGroupName,
      retentionInDays: config.observability.logRetentionDays,
    });
    this.executionRole = new Role(this, 'execution-role', {
      deployment,
      name: props.executionRoleName,
      description: `ECS starts the tasks of ${props.family} with it`,
      service: 'ecs-tasks.amazonaws.com',
    });
    this.executionRole.grant(...repository.pull(), {
      sid: 'WriteTheLog',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [arns.logStreams(props.logGroupName)],
    });
    this.definition = new EcsTaskDefinition(this, 'Resource', {
      family: props.family,
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
      containerDefinitions: JSON.stringify([
        containerDefinition({
          name: props.containerName,
          image: `${repository.url}:${size.imageTag}`,
          port: props.port,
          environment: props.environment,
          logGroup: logs.name,
          region: config.region,
        }),
      ]),
      dependsOn: [this.executionRole.permissions],
    });
  }
}
