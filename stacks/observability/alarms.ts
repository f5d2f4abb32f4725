import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import { Construct } from 'constructs';
import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import { endpointAlarmNames, type Names } from '../names.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import type { AlarmTopic } from './notifications.ts';

const MINUTE = 60;

interface AlarmProps {
  readonly topic: AlarmTopic;
  readonly name: string;
  /** What is wrong and where to look; it is part of the message. */
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

/**
 * Notifies the alarm topic when a metric stays above its limit, and when it recovers. Missing data is not breaching.
 *
 * @example
 * const topic = new AlarmTopic(stack, 'topic', { deployment, email: 'ops@example.com' });
 * new Alarm(stack, 'slow', {
 *   topic,
 *   name: 'web-slow',
 *   description: 'Answers are slow. See the dashboard.',
 *   metric: { namespace: 'Shop', metricName: 'Latency', dimensions: {}, statistic: 'p95' },
 *   above: 2,
 *   minutes: 5,
 * });
 */
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

const LOAD_BALANCING = 'AWS/ApplicationELB';
const ERRORS_PER_MINUTE = 5;
const LATENCY_LIMIT_SECONDS = 2;
/** Autoscaling's target is 70; above this it cannot keep up. */
const CPU_LIMIT_PERCENT = 90;

/** Watches one service: its answers, their time, its tasks' health and their CPU. */
export const watchService = (
  scope: Construct,
  label: 'web' | 'was',
  { names, topic, service }: { names: Names; topic: AlarmTopic; service: LoadBalancedService },
): readonly Alarm[] => {
  const { alb, targetGroup } = service.loadBalancer;
  const balancer = { LoadBalancer: alb.arnSuffix };
  const group = { ...balancer, TargetGroup: targetGroup.arnSuffix };
  const tasks = { ClusterName: names.cluster, ServiceName: service.name };
  const logs = `See the log group ${names[label].logGroup}.`;
  const watch = (what: string, props: Omit<AlarmProps, 'topic' | 'name'>) =>
    new Alarm(scope, `${label}-${what}`, { topic, name: names.alarm(`${label}-${what}`), ...props });
  const metric = (metricName: string, dimensions: Record<string, string>, statistic: string) => ({
    namespace: LOAD_BALANCING,
    metricName,
    dimensions,
    statistic,
  });
  return [
    watch('errors', {
      description: `${service.name} answers with 5xx. ${logs}`,
      metric: metric('HTTPCode_Target_5XX_Count', group, 'Sum'),
      above: ERRORS_PER_MINUTE,
      minutes: 3,
    }),
    watch('unanswered', {
      description: `The load balancer of ${service.name} answers 5xx itself: no task is there, or none in time.`,
      metric: metric('HTTPCode_ELB_5XX_Count', balancer, 'Sum'),
      above: ERRORS_PER_MINUTE,
      minutes: 3,
    }),
    watch('latency', {
      description: `One answer in twenty of ${service.name} takes more than ${LATENCY_LIMIT_SECONDS} s. ${logs}`,
      metric: metric('TargetResponseTime', group, 'p95'),
      above: LATENCY_LIMIT_SECONDS,
      minutes: 5,
    }),
    watch('unhealthy', {
      description: `A task of ${service.name} does not answer GET /health. ${logs}`,
      metric: metric('UnHealthyHostCount', group, 'Maximum'),
      above: 0,
      minutes: 3,
    }),
    watch('cpu', {
      description: `The tasks of ${service.name} are at their limit. Raise maxTasks, or give a task more CPU.`,
      metric: {
        namespace: 'AWS/ECS',
        metricName: 'CPUUtilization',
        dimensions: tasks,
        statistic: 'Average',
      },
      above: CPU_LIMIT_PERCENT,
      minutes: 10,
    }),
  ];
};

const LATENCY_LIMIT_MICROSECONDS = 1_000_000;

/** Watches the endpoint, which the learning pipeline creates; until then there is no data, and no alarm. */
export const watchEndpoint = (scope: Construct, names: Names, topic: AlarmTopic): readonly Alarm[] => {
  const dimensions = { EndpointName: names.learning.endpoint, VariantName: ENDPOINT_VARIANT };
  const alarmNames = endpointAlarmNames(names);
  return [
    new Alarm(scope, 'endpoint-errors', {
      topic,
      name: alarmNames.errors,
      description: `The model fails to answer. See the log group ${names.learning.endpointLogGroup}.`,
      metric: { namespace: 'AWS/SageMaker', metricName: 'Invocation5XXErrors', dimensions, statistic: 'Sum' },
      above: ERRORS_PER_MINUTE,
      minutes: 2,
    }),
    new Alarm(scope, 'endpoint-latency', {
      topic,
      name: alarmNames.latency,
      description:
        'The model needs more than a second for one photo in twenty. Larger or more instances help.',
      metric: { namespace: 'AWS/SageMaker', metricName: 'ModelLatency', dimensions, statistic: 'p95' },
      above: LATENCY_LIMIT_MICROSECONDS,
      minutes: 3,
    }),
  ];
};
