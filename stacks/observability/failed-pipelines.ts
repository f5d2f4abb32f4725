import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { AlarmTopic } from './alarm-topic.ts';

export interface FailedPipelinesProps {
  readonly deployment: Deployment;
  readonly topic: AlarmTopic;
}

/** Tells the alarm topic when a delivery pipeline or a learning pipeline of ours fails. */
export class FailedPipelines extends Construct {
  constructor(scope: Construct, id: string, { deployment, topic }: FailedPipelinesProps) {
    super(scope, id);
    const { arns, names } = deployment;
    const tell = (key: string, name: string, description: string, pattern: object) => {
      const rule = new CloudwatchEventRule(this, key, {
        name,
        description,
        eventPattern: JSON.stringify(pattern),
      });
      new CloudwatchEventTarget(this, `${key}-topic`, {
        rule: rule.name,
        targetId: 'alarms',
        arn: topic.topic.arn,
        dependsOn: [topic.policy],
      });
    };
    tell('delivery', names.alarm('delivery-failed'), 'A delivery pipeline failed', {
      source: ['aws.codepipeline'],
      'detail-type': ['CodePipeline Pipeline Execution State Change'],
      detail: {
        state: ['FAILED'],
        pipeline: [names.web, names.was, names.learning].map(({ delivery }) => delivery.pipeline),
      },
    });
    tell('learning', names.alarm('learning-failed'), 'A learning pipeline failed, or refused a model', {
      source: ['aws.sagemaker'],
      'detail-type': ['SageMaker Model Building Pipeline Execution Status Change'],
      detail: {
        currentPipelineExecutionStatus: ['Failed'],
        pipelineArn: Object.values(names.learning.pipelines).map((name) =>
          // SageMaker writes the names of pipelines in lower case in their ARNs.
          arns.sagemaker('pipeline', name.toLowerCase()),
        ),
      },
    });
  }
}
