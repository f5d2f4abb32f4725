import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import { Construct } from 'constructs';
import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import { WAS } from '../../services/contract.ts';
import type { MetricName } from '../../services/http/metrics.ts';
import type { Deployment } from '../deployment.ts';
import { endpointAlarmNames, type Names } from '../names.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import type { AlarmTopic } from './notifications.ts';

const MINUTE = 60;

interface Metric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Sum, Average, Maximum, or a percentile such as p95. */
  readonly statistic: string;
}

interface AlarmProps {
  readonly topic: AlarmTopic;
  readonly name: string;
  /** What is wrong and where to look; it is part of the message. */
  readonly description: string;
  /** One metric, or several by the names that an expression of metric math has for them. */
  readonly metric:
    | Metric
    | { readonly expression: string; readonly metrics: Readonly<Record<string, Metric>> };
  /** The limit, in the metric's own unit. */
  readonly above: number;
  /** How many minutes in a row it must be above. */
  readonly minutes: number;
  /** What is looked at as one, in minutes. @default 1 */
  readonly period?: number;
}

const PERCENTILE = /^p\d/;

const oneMetric = ({ statistic, ...metric }: Metric) => ({
  ...metric,
  ...(PERCENTILE.test(statistic) ? { extendedStatistic: statistic } : { statistic }),
});

const metricMath = (
  { expression, metrics }: Extract<AlarmProps['metric'], { expression: string }>,
  period: number,
) => [
  { id: 'judged', expression, label: 'judged', returnData: true },
  ...Object.entries(metrics).map(([id, { statistic, ...metric }]) => ({
    id,
    metric: { ...metric, stat: statistic, period },
  })),
];

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
    { topic, name, description, metric, above, minutes, period = 1 }: AlarmProps,
  ) {
    super(scope, id);
    this.alarm = new CloudwatchMetricAlarm(this, 'Resource', {
      ...('expression' in metric
        ? { metricQuery: metricMath(metric, period * MINUTE) }
        : { ...oneMetric(metric), period: period * MINUTE }),
      alarmName: name,
      alarmDescription: description,
      comparisonOperator: 'GreaterThanThreshold',
      threshold: above,
      evaluationPeriods: minutes / period,
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

/** A metric that the WAS writes into its log: see services/http/metrics.ts. */
const fromLog = (namespace: string, metricName: MetricName, statistic: string): Metric => ({
  namespace,
  metricName,
  dimensions: { service: WAS.name },
  statistic,
});

/** Fewer photos in five minutes say nothing about a model. */
const ENOUGH_PHOTOS = 20;

/** Watches what clients are answered: whether in time, whether at all, and whether the model still knows what it sees. */
export const watchAnswers = (
  scope: Construct,
  { names, metricsNamespace: namespace }: Deployment,
  topic: AlarmTopic,
): readonly Alarm[] => {
  const watch = (what: string, props: Omit<AlarmProps, 'topic' | 'name'>) =>
    new Alarm(scope, what, { topic, name: names.alarm(what), ...props });
  const photos = fromLog(namespace, 'Photos', 'Sum');
  const model =
    'Compare versions by the saved query "models"; npm run model -- rollback --aws takes a new one back.';
  return [
    watch('was-p99', {
      description: 'One answer in a hundred takes more than 5 s. The saved query "slow" says in which stage.',
      metric: fromLog(namespace, 'Latency', 'p99'),
      above: 5000,
      minutes: 5,
    }),
    watch('was-shed', {
      description:
        'Photos are refused as too much at once. Raise was.maxTasks or learning.endpointMaxInstances.',
      metric: fromLog(namespace, 'Shed', 'Sum'),
      above: ERRORS_PER_MINUTE,
      minutes: 3,
    }),
    watch('was-unknown', {
      description: `Four photos of five show none of the classes. ${model}`,
      metric: {
        expression: `IF(photos >= ${ENOUGH_PHOTOS}, unknown / photos, 0)`,
        metrics: { photos, unknown: fromLog(namespace, 'Unknown', 'Sum') },
      },
      above: 0.8,
      minutes: 15,
      period: 5,
    }),
    watch('was-confidence', {
      description: `The model is less than 60 % sure on average. ${model}`,
      metric: {
        expression: `IF(photos >= ${ENOUGH_PHOTOS}, 1 - confidence, 0)`,
        metrics: { photos, confidence: fromLog(namespace, 'Confidence', 'Average') },
      },
      above: 0.4,
      minutes: 15,
      period: 5,
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
