import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { Role } from '../iam/role.ts';

export interface PushTriggerProps {
  readonly deployment: Deployment;
  readonly names: { readonly pushRule: string; readonly startRole: string; readonly pipeline: string };
  readonly repositoryArn: string;
}

/** Starts a pipeline when its branch is pushed to CodeCommit: at once, and without polling. */
export class PushTrigger extends Construct {
  constructor(scope: Construct, id: string, { deployment, names, repositoryArn }: PushTriggerProps) {
    super(scope, id);
    const { arns, config } = deployment;
    const role = new Role(this, 'role', {
      deployment,
      name: names.startRole,
      description: `EventBridge starts ${names.pipeline} with it`,
      service: 'events.amazonaws.com',
    });
    role.grant({
      sid: 'StartThePipeline',
      actions: ['codepipeline:StartPipelineExecution'],
      resources: [arns.pipeline(names.pipeline)],
    });
    const rule = new CloudwatchEventRule(this, 'Resource', {
      name: names.pushRule,
      description: `A push to ${config.source.branch} starts ${names.pipeline}`,
      eventPattern: JSON.stringify({
        source: ['aws.codecommit'],
        'detail-type': ['CodeCommit Repository State Change'],
        resources: [repositoryArn],
        detail: {
          event: ['referenceCreated', 'referenceUpdated'],
          referenceType: ['branch'],
          referenceName: [config.source.branch],
        },
      }),
    });
    new CloudwatchEventTarget(this, 'target', {
      rule: rule.name,
      targetId: 'pipeline',
      arn: arns.pipeline(names.pipeline),
      roleArn: role.resource.arn,
    });
  }
}
