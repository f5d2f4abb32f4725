import { AppautoscalingPolicy } from '@cdktf/provider-aws/lib/appautoscaling-policy/index.js';
import { AppautoscalingTarget } from '@cdktf/provider-aws/lib/appautoscaling-target/index.js';
import type { EcsCluster } from '@cdktf/provider-aws/lib/ecs-cluster/index.js';
import { EcsService } from '@cdktf/provider-aws/lib/ecs-service/index.js';
import { Construct } from 'constructs';
import type { ServiceConfiguration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import type { Role } from '../iam/role.ts';
import type { ImageRepository } from '../images/image-repository.ts';
import type { Names } from '../names.ts';
import type { Network } from '../network/network.ts';
import { SecurityGroup } from '../network/security-group.ts';
import type { AccessLogBucket } from '../storage/bucket.ts';
import { LoadBalancer } from './load-balancer.ts';
import { TaskDefinition } from './task-definition.ts';

const CPU_PERCENT = 70;
const COOLDOWN_SECONDS = 300;

const LOAD_BALANCER_PORT = 80;
const HTTPS = 443;

interface LoadBalancedServiceProps {
  readonly deployment: Deployment;
  readonly network: Network;
  readonly cluster: EcsCluster;
  readonly names: Names['web'] | Names['was'];
  readonly port: number;
  readonly size: ServiceConfiguration;
  readonly repository: ImageRepository;
  readonly accessLogs: AccessLogBucket;
  /** @default - only PORT */
  readonly environment?: Readonly<Record<string, string>>;
  /** Creates the role with the code's permissions. @default - none */
  readonly taskRole?: (scope: Construct) => Role;
  /** Makes the load balancer public. @default - internal */
  readonly internet?: {
    /** CIDR blocks that may connect. */
    readonly cidrs: readonly string[];
    /** ACM certificate, for HTTPS and a redirect from HTTP. @default - HTTP only */
    readonly certificateArn?: string | undefined;
  };
}

/**
 * An ECS service on Fargate behind a load balancer, with private tasks that only the load balancer reaches.
 *
 * Terraform owns its settings, the delivery pipeline its running task definition, and autoscaling its number of tasks.
 */
export class LoadBalancedService extends Construct {
  readonly loadBalancer: LoadBalancer;
  readonly service: EcsService;
  readonly taskDefinition: TaskDefinition;
  readonly containerName: string;
  readonly name: string;
  readonly #deployment: Deployment;
  readonly #taskGroup: SecurityGroup;
  readonly #loadBalancerGroup: SecurityGroup;

  constructor(scope: Construct, id: string, props: LoadBalancedServiceProps) {
    super(scope, id);
    const { deployment, network, cluster, names, port, size, internet } = props;
    const { vpc } = network;
    this.#deployment = deployment;
    this.containerName = names.image;
    this.name = names.service;

    this.#loadBalancerGroup = new SecurityGroup(this, 'alb-sg', {
      vpc,
      name: names.loadBalancerSecurityGroup,
      description: `Load balancer of ${names.service}`,
    });
    this.#taskGroup = new SecurityGroup(this, 'sg', {
      vpc,
      name: names.securityGroup,
      description: `Tasks of ${names.service}`,
    });
    this.#taskGroup.allowFrom(this.#loadBalancerGroup, port);
    this.#taskGroup.allowHttpsOut();

    if (internet) {
      this.#loadBalancerGroup.allowFromCidrs(internet.cidrs, LOAD_BALANCER_PORT);
      if (internet.certificateArn) this.#loadBalancerGroup.allowFromCidrs(internet.cidrs, HTTPS);
    }
    this.loadBalancer = new LoadBalancer(this, 'alb', {
      deployment,
      network,
      names,
      securityGroup: this.#loadBalancerGroup,
      internetFacing: internet !== undefined,
      targetPort: port,
      accessLogs: props.accessLogs,
      certificateArn: internet?.certificateArn,
    });

    this.taskDefinition = new TaskDefinition(this, 'td', {
      deployment,
      names,
      port,
      size,
      repository: props.repository,
      environment: props.environment ?? {},
      ...(props.taskRole ? { taskRole: props.taskRole(this) } : {}),
    });
    this.service = new EcsService(this, 'service', {
      name: names.service,
      cluster: cluster.arn,
      taskDefinition: this.taskDefinition.definition.arn,
      desiredCount: size.minTasks,
      launchType: 'FARGATE',
      platformVersion: 'LATEST',
      enableExecuteCommand: false,
      enableEcsManagedTags: true,
      propagateTags: 'SERVICE',
      availabilityZoneRebalancing: 'ENABLED',
      healthCheckGracePeriodSeconds: 60,
      deploymentCircuitBreaker: { enable: true, rollback: true },
      deploymentMinimumHealthyPercent: 100,
      deploymentMaximumPercent: 200,
      networkConfiguration: {
        subnets: network.privateSubnets.map((subnet) => subnet.id),
        securityGroups: [this.#taskGroup.group.id],
        assignPublicIp: false,
      },
      loadBalancer: [
        {
          targetGroupArn: this.loadBalancer.targetGroup.arn,
          containerName: this.containerName,
          containerPort: port,
        },
      ],
      lifecycle: { ignoreChanges: ['task_definition', 'desired_count'] },
      dependsOn: [this.loadBalancer.listener, ...network.egressRoutes],
    });
    // Adjusts the number of tasks to keep their average CPU near the target.
    const target = new AppautoscalingTarget(this, 'scaling-target', {
      serviceNamespace: 'ecs',
      resourceId: `service/${cluster.name}/${this.service.name}`,
      scalableDimension: 'ecs:service:DesiredCount',
      minCapacity: size.minTasks,
      maxCapacity: size.maxTasks,
    });
    new AppautoscalingPolicy(this, 'scaling-policy', {
      name: names.scalingPolicy,
      policyType: 'TargetTrackingScaling',
      serviceNamespace: target.serviceNamespace,
      resourceId: target.resourceId,
      scalableDimension: target.scalableDimension,
      targetTrackingScalingPolicyConfiguration: {
        targetValue: CPU_PERCENT,
        scaleInCooldown: COOLDOWN_SECONDS,
        scaleOutCooldown: COOLDOWN_SECONDS,
        predefinedMetricSpecification: { predefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      },
    });
  }

  /** Lets the tasks of another service call this one through its load balancer. */
  allowCallsFrom(caller: LoadBalancedService): void {
    this.#loadBalancerGroup.allowFrom(caller.#taskGroup, LOAD_BALANCER_PORT);
  }

  /** Lets a role see which image the tasks run. */
  grantDescribe(role: Role): void {
    const { arns, names } = this.#deployment;
    role.grant(
      {
        sid: 'DescribeTheService',
        actions: 'ecs:DescribeServices',
        resources: [arns.service(names.cluster, this.name)],
      },
      { sid: 'ReadTaskDefinitions', actions: 'ecs:DescribeTaskDefinition', resources: ['*'] },
    );
  }

  /** Lets a role deploy a new image: register a task definition and have ECS replace the tasks. */
  grantDeploy(role: Role): void {
    const { arns, names } = this.#deployment;
    const { executionRole, taskRole, family } = this.taskDefinition;
    this.grantDescribe(role);
    role.grant(
      {
        sid: 'UpdateTheService',
        actions: 'ecs:UpdateService',
        resources: [arns.service(names.cluster, this.name)],
      },
      {
        sid: 'RegisterTheTaskDefinition',
        actions: 'ecs:RegisterTaskDefinition TagResource',
        resources: [arns.taskDefinition(family)],
      },
      { sid: 'WatchTheTasks', actions: 'ecs:DescribeTasks', resources: [arns.tasks(names.cluster)] },
      {
        sid: 'ListTheTasks',
        actions: 'ecs:ListTasks',
        resources: ['*'],
        conditions: { ArnEquals: { 'ecs:cluster': arns.cluster(names.cluster) } },
      },
      {
        sid: 'PassTaskRoles',
        actions: 'iam:PassRole',
        resources: [executionRole.arn, ...(taskRole ? [taskRole.arn] : [])],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      },
    );
  }
}

export type Services = Readonly<Record<'web' | 'was', LoadBalancedService>>;
