import type { CodepipelineStageAction } from '@cdktf/provider-aws/lib/codepipeline/index.js';
import type { Deployment } from '../deployment.ts';
import type { Statement } from '../iam/policy.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import { IMAGE_DEFINITIONS } from './buildspec.ts';

export interface EcsDeployment {
  readonly action: CodepipelineStageAction;
  readonly statements: readonly Statement[];
}

/**
 * The action that gives a service its new image: it copies the task definition that runs, changes the image in it, and
 * has ECS replace the tasks one after the other; with the rights for exactly that.
 */
export const ecsDeployment = (
  { arns, names }: Deployment,
  { name, service, taskDefinition }: LoadBalancedService,
  inputArtifact: string,
): EcsDeployment => {
  const cluster = names.cluster;
  const taskRoles = [taskDefinition.executionRole, taskDefinition.taskRole].filter(
    (role) => role !== undefined,
  );
  return {
    action: {
      name: 'Deploy',
      category: 'Deploy',
      owner: 'AWS',
      provider: 'ECS',
      version: '1',
      inputArtifacts: [inputArtifact],
      configuration: { ClusterName: cluster, ServiceName: service.name, FileName: IMAGE_DEFINITIONS },
    },
    statements: [
      {
        sid: 'UpdateTheService',
        actions: ['ecs:DescribeServices', 'ecs:UpdateService'],
        resources: [arns.service(cluster, name)],
      },
      {
        sid: 'RegisterTheTaskDefinition',
        actions: ['ecs:RegisterTaskDefinition', 'ecs:TagResource'],
        resources: [arns.taskDefinition(taskDefinition.family)],
      },
      {
        sid: 'ReadTaskDefinitions',
        actions: ['ecs:DescribeTaskDefinition'],
        resources: ['*'],
      },
      {
        sid: 'WatchTheTasks',
        actions: ['ecs:DescribeTasks'],
        resources: [arns.tasks(cluster)],
      },
      {
        sid: 'ListTheTasks',
        actions: ['ecs:ListTasks'],
        resources: ['*'],
        conditions: { ArnEquals: { 'ecs:cluster': arns.cluster(cluster) } },
      },
      {
        sid: 'GiveTheTasksTheirRoles',
        actions: ['iam:PassRole'],
        resources: taskRoles.map((role) => role.arn),
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      },
    ],
  };
};
