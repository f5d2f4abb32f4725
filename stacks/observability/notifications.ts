import { BudgetsBudget } from '@cdktf/provider-aws/lib/budgets-budget/index.js';
import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { SnsTopic } from '@cdktf/provider-aws/lib/sns-topic/index.js';
import { SnsTopicPolicy } from '@cdktf/provider-aws/lib/sns-topic-policy/index.js';
import { SnsTopicSubscription } from '@cdktf/provider-aws/lib/sns-topic-subscription/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { resourcePolicy } from '../iam/policy.ts';
import { EncryptionKey } from '../storage/key.ts';

/** Services of AWS that report here. */
const SENDERS = ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com', 'events.amazonaws.com'];

/** Where everything that somebody should know about is published, encrypted; e-mail is one way to listen. */
export class AlarmTopic extends Construct {
  readonly topic: SnsTopic;
  /** Those who check whether they may publish must wait for it. */
  readonly policy: SnsTopicPolicy;

  constructor(scope: Construct, id: string, { deployment }: { readonly deployment: Deployment }) {
    super(scope, id);
    const { arns, config, names } = deployment;
    const senders = {
      principal: { service: SENDERS },
      conditions: { StringEquals: { 'aws:SourceAccount': config.account } },
    };
    const key = new EncryptionKey(this, 'key', {
      deployment,
      name: names.alarmTopic,
      description: `Messages of ${names.alarmTopic}`,
      // CloudWatch cannot publish to a topic under the key that AWS manages.
      services: [
        {
          ...senders,
          sid: 'SendersEncryptTheirMessages',
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: ['*'],
        },
      ],
    });
    this.topic = new SnsTopic(this, 'Resource', { name: names.alarmTopic, kmsMasterKeyId: key.key.arn });
    this.policy = new SnsTopicPolicy(this, 'policy', {
      arn: this.topic.arn,
      policy: resourcePolicy([
        {
          ...senders,
          sid: 'SendersPublish',
          actions: ['sns:Publish'],
          resources: [arns.topic(names.alarmTopic)],
        },
      ]),
    });
    const { alarmEmail } = config.observability;
    if (alarmEmail)
      new SnsTopicSubscription(this, 'email', {
        topicArn: this.topic.arn,
        protocol: 'email',
        endpoint: alarmEmail,
      });
  }
}

interface FailedPipelinesProps {
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

interface MonthlyBudgetProps {
  readonly name: string;
  readonly usd: number;
  readonly topic: AlarmTopic;
}

const WARNINGS = [
  { notificationType: 'ACTUAL', threshold: 80 },
  { notificationType: 'FORECASTED', threshold: 100 },
];

/**
 * Warns before the account costs more than expected. It counts the whole account: costs by tag are only known once
 * somebody has switched that tag on in the billing console.
 */
export class MonthlyBudget extends Construct {
  constructor(scope: Construct, id: string, { name, usd, topic }: MonthlyBudgetProps) {
    super(scope, id);
    new BudgetsBudget(this, 'Resource', {
      name,
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      limitAmount: String(usd),
      limitUnit: 'USD',
      notification: WARNINGS.map((warning) => ({
        ...warning,
        comparisonOperator: 'GREATER_THAN',
        thresholdType: 'PERCENTAGE',
        subscriberSnsTopicArns: [topic.topic.arn],
      })),
      dependsOn: [topic.policy],
    });
  }
}
