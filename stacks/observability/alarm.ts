import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import { Construct } from 'constructs';
import type { AlarmTopic } from './alarm-topic.ts';

const MINUTE = 60;

export interface AlarmProps {
  readonly topic: AlarmTopic;
  readonly name: string;
  /** What is wrong and where to look; it stands in the message. */
  readonly description: string;
  readonly metric: {
    readonly namespace: string;
    readonly metricName: string;
    readonly dimensions: Readonly<Record<string, string>>;
    /** Sum, Average, Maximum, or a percentile such as p95. */
    readonly statistic: string;
  };
  /** The limit, in the metric's own unit. */
  readonly above: number;
  /** How many minutes in a row it must be above. */
  readonly minutes: number;
}

const PERCENTILE = /^p\d/;

/** Tells the alarm topic when a metric stays above its limit, and when it is well again. No data means all is well. */
export class Alarm extends Construct {
  readonly alarm: CloudwatchMetricAlarm;

  constructor(
    scope: Construct,
    id: string,
    { topic, name, description, metric, above, minutes }: AlarmProps,
  ) {
    super(scope, id);
    const { statistic, ...what } = metric;
    this.alarm = new CloudwatchMetricAlarm(this, 'Resource', {
      ...what,
      ...(PERCENTILE.test(statistic) ? { extendedStatistic: statistic } : { statistic }),
      alarmName: name,
      alarmDescription: description,
      comparisonOperator: 'GreaterThanThreshold',
      threshold: above,
      period: MINUTE,
      evaluationPeriods: minutes,
      treatMissingData: 'notBreaching',
      alarmActions: [topic.topic.arn],
      okActions: [topic.topic.arn],
    });
  }
}
