import { BudgetsBudget } from '@cdktf/provider-aws/lib/budgets-budget/index.js';
import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { SnsTopic } from '@cdktf/provider-aws/lib/sns-topic/index.js';
import { SnsTopicPolicy } from '@cdktf/provider-aws/lib/sns-topic-policy/index.js';
import { SnsTopicSubscription } from '@cdktf/provider-aws/lib/sns-topic-subscription/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { type ResourceStatement, resourcePolicy } from '../iam/policy.ts';
import { EncryptionKey } from '../storage/key.ts';

/** AWS services that publish to the topic and support a condition on the account. */
const SENDERS = ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com'];
/**
 * EventBridge does not support such a condition, neither for SNS nor for KMS: its messages would be dropped silently.
 * Source: "Using resource-based policies for Amazon EventBridge", SNS; "Key management", SNS guide.
 */
const EVENTS = 'events.amazonaws.com';

interface AlarmTopicProps {
  readonly deployment: Deployment;
  /** Address to subscribe, or empty. */
  readonly email: string;
}

/** The encrypted topic for alarms, failures and budget warnings, optionally with a subscription by e-mail. */
export class AlarmTopic extends Construct {
  readonly topic: SnsTopic;
  /** Services that check whether they may publish must depend on it. */
  readonly policy: SnsTopicPolicy;

  constructor(scope: Construct, id: string, { deployment, email }: AlarmTopicProps) {
    super(scope, id);
    const { account, arns, names } = deployment;
    const allow = (what: string, actions: string, resource: string): readonly ResourceStatement[] => {
      const allowed = { actions, resources: [resource] };
      const conditions = { StringEquals: { 'aws:SourceAccount': account } };
      return [
        { sid: `Senders${what}`, principal: { service: SENDERS }, ...allowed, conditions },
        { sid: `Events${what}`, principal: { service: EVENTS }, ...allowed },
      ];
    };
    const key = new EncryptionKey(this, 'key', {
      deployment,
      name: names.alarmTopic,
      description: `Messages of ${names.alarmTopic}`,
      // CloudWatch cannot publish to a topic that is encrypted with the AWS managed key.
      services: allow('EncryptTheirMessages', 'kms:Decrypt GenerateDataKey', '*'),
    });
    this.topic = new SnsTopic(this, 'Resource', { name: names.alarmTopic, kmsMasterKeyId: key.key.arn });
    this.policy = new SnsTopicPolicy(this, 'policy', {
      arn: this.topic.arn,
      policy: resourcePolicy(allow('Publish', 'sns:Publish', arns.topic(names.alarmTopic))),
    });
    if (email)
      new SnsTopicSubscription(this, 'email', {
        topicArn: this.topic.arn,
        protocol: 'email',
        endpoint: email,
      });
  }
}

/** Notifies the alarm topic when one of our delivery or learning pipelines fails. */
export const watchPipelines = (scope: Construct, { arns, names }: Deployment, topic: AlarmTopic): void => {
  const notify = (key: 'delivery' | 'learning', description: string, pattern: object) => {
    const rule = new CloudwatchEventRule(scope, `failed-${key}`, {
      name: names.alarm(`${key}-failed`),
      description,
      eventPattern: JSON.stringify(pattern),
    });
    new CloudwatchEventTarget(scope, `failed-${key}-topic`, {
      rule: rule.name,
      targetId: 'alarms',
      arn: topic.topic.arn,
      dependsOn: [topic.policy],
    });
  };
  notify('delivery', 'A delivery pipeline failed', {
    source: ['aws.codepipeline'],
    'detail-type': ['CodePipeline Pipeline Execution State Change'],
    detail: {
      state: ['FAILED'],
      pipeline: [names.web, names.was, names.learning].map(({ delivery }) => delivery.pipeline),
    },
  });
  notify('learning', 'A learning pipeline failed, or refused a model', {
    source: ['aws.sagemaker'],
    'detail-type': ['SageMaker Model Building Pipeline Execution Status Change'],
    detail: {
      currentPipelineExecutionStatus: ['Failed'],
      pipelineArn: Object.values(names.learning.pipelines).map((name) => ({
        'equals-ignore-case': arns.sagemaker('pipeline', name),
      })),
    },
  });
};

const WARNINGS = [
  { notificationType: 'ACTUAL', threshold: 80 },
  { notificationType: 'FORECASTED', threshold: 100 },
];

/**
 * Warns before the account costs more than expected. It covers the whole account, because costs by tag are only known
 * once the tag is activated in the billing console.
 */
export const createBudget = (scope: Construct, name: string, usd: number, topic: AlarmTopic) =>
  new BudgetsBudget(scope, 'budget', {
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
