import { SnsTopic } from '@cdktf/provider-aws/lib/sns-topic/index.js';
import { SnsTopicPolicy } from '@cdktf/provider-aws/lib/sns-topic-policy/index.js';
import { SnsTopicSubscription } from '@cdktf/provider-aws/lib/sns-topic-subscription/index.js';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { resourcePolicy } from '../iam/policy.ts';
import { EncryptionKey } from '../storage/encryption-key.ts';

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
